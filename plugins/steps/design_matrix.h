#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/learn/data_source.h"
#include "plugins/table/table.h"

namespace dml::steps {

// The target of supervised learning as numbers: values, or indices into the sorted labels.
struct Target {
  std::vector<double> values;        // one per row of the table
  std::vector<std::string> classes;  // labels in order; empty for regression
};

// Reads a numeric target. A missing or infinite value is kInvalid with its row.
Result<Target> ReadNumericTarget(const table::Table& table, const std::string& column);
// Reads labels of any type. `known` fixes their order (as a model does); empty means: those found,
// numbers in numeric order, text bytewise. A label that is not known, a missing one, and a column
// with a single label are kInvalid.
Result<Target> ReadClassTarget(const table::Table& table, const std::string& column,
                               const std::vector<std::string>& known);

// Rows of a table as tiles: every named column is a feature. Numbers, booleans and timestamps (in
// seconds) are; text is kInvalid and says so. Missing values are kInvalid with column and row
// unless `allow_missing`, which trees can take. Tiles are consecutive rows of the whole table, so
// they do not depend on its partitions. Thread-safe.
class DesignMatrix final : public learn::DataSource {
 public:
  static Result<std::unique_ptr<DesignMatrix>> Make(table::Table table,
                                                    std::vector<std::string> columns,
                                                    std::vector<double> target, bool allow_missing);

  [[nodiscard]] std::size_t tile_count() const override;
  [[nodiscard]] std::uint64_t rows() const override { return table_.rows(); }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override { return columns_; }
  [[nodiscard]] bool sparse() const override { return false; }
  Result<void> Read(std::size_t tile, learn::Tile& out) const override;

 private:
  explicit DesignMatrix(table::Table table) : table_(std::move(table)) {}
  Result<void> CopyRows(std::size_t partition, std::uint64_t begin, std::uint64_t end,
                        learn::Tile& out) const;

  table::Table table_;
  std::vector<std::string> columns_;
  std::vector<double> target_;  // empty when there is none
  bool allow_missing_ = false;
  std::vector<std::uint64_t> starts_;  // first row of every partition, and the number of rows
};

}  // namespace dml::steps
