#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/learn/data_source.h"
#include "plugins/steps/training/target.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// What a design matrix shows besides features: where the target and the weights of the same rows
// are. Both may be absent.
struct Labels {
  Target target;
  std::string weight_column;  // numbers >= 0; a row of weight 2 counts as two rows
};

// What the rows of a matrix are for, as its errors are to advise.
enum class RowsAreFor { kTraining, kPrediction };

// The rows of a view as tiles: numbers and booleans are one feature each, a sparse column is as
// many as it is wide. Text and times are kInvalid and say what to do about it; so are missing
// values (unless `allow_missing`) and infinite ones, with column and row. Tiles are sparse when
// there are many features and nearly all of them come from sparse columns. Thread-safe.
class DesignMatrix final : public learn::DataSource {
 public:
  static Result<std::unique_ptr<DesignMatrix>> Make(
      const table::Table& table, RowView features, Labels labels, bool allow_missing,
      RowsAreFor rows_are_for = RowsAreFor::kTraining);

  [[nodiscard]] std::size_t tile_count() const override { return features_.chunk_count(); }
  [[nodiscard]] std::uint64_t rows() const override { return features_.rows(); }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override { return names_; }
  [[nodiscard]] bool sparse() const override { return sparse_; }
  Result<void> Read(std::size_t tile, learn::Tile& out) const override;

  // The rows that the tiles hold, in their order.
  [[nodiscard]] const RowView& features() const { return features_; }

 private:
  explicit DesignMatrix(RowView features) : features_(std::move(features)) {}
  Result<void> ReadLabels(std::size_t tile, learn::Tile& out) const;
  Result<void> AppendLabels(const table::Batch& piece, learn::Tile& out) const;
  // Rows of a tile that begin at its row `at`.
  Result<void> FillDense(const table::Batch& batch, std::size_t at, learn::Tile& out) const;
  Result<void> AppendSparse(const table::Batch& batch, std::size_t at, learn::Tile& out) const;
  [[nodiscard]] bool HasAnyValue(std::size_t feature) const;
  // Of the row `row` of the view.
  [[nodiscard]] Error BadValue(std::size_t feature, std::uint64_t row, double value) const;

  RowView features_;
  std::optional<RowView> label_rows_;
  Labels labels_;
  std::vector<std::size_t> offsets_;  // first feature of each column
  std::vector<std::string> names_;
  bool allow_missing_ = false;
  RowsAreFor rows_are_for_ = RowsAreFor::kTraining;
  bool sparse_ = false;
};

}  // namespace dml::steps
