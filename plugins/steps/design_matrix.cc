#include "plugins/steps/design_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/suggest.h"

namespace dml::steps {

namespace {

// Sorts labels as people count: numbers by value where all are numbers, else bytewise.
std::vector<std::string> SortLabels(const std::set<std::string>& labels, bool numeric) {
  std::vector<std::string> sorted(labels.begin(), labels.end());
  if (numeric) {
    std::ranges::sort(sorted, {}, [](const std::string& text) { return std::stod(text); });
  }
  return sorted;
}

Error MissingTarget(const std::string& column, std::uint64_t row) {
  return Error::Invalid(fmt::format("the target '{}' has no value in row {}", column, row + 1),
                        "drop the rows without a target");
}

Result<std::set<std::string>> CollectLabels(const table::Table& table, const std::string& column) {
  std::set<std::string> labels;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {column}));
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (!batch.columns[0].IsValid(row)) return MissingTarget(column, batch.first_row + row);
      labels.insert(batch.columns[0].AsText(row));
    }
  }
  return labels;
}

}  // namespace

Result<Target> ReadNumericTarget(const table::Table& table, const std::string& column) {
  DML_TRY(const std::size_t index, table.schema().Find(column));
  const table::ColumnType type = table.schema().fields[index].type;
  if (type == table::ColumnType::kString || type == table::ColumnType::kCategory) {
    return Error::Invalid(fmt::format("the target '{}' is text, not a number", column),
                          "use a classifier, or cast the column");
  }
  Target target;
  target.values.reserve(table.rows());
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {column}));
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const double value = batch.columns[0].AsDouble(row);
      if (std::isnan(value)) return MissingTarget(column, batch.first_row + row);
      if (std::isinf(value)) {
        return Error::Invalid(fmt::format("the target '{}' is infinite in row {}", column,
                                          batch.first_row + row + 1));
      }
      target.values.push_back(value);
    }
  }
  return target;
}

Result<Target> ReadClassTarget(const table::Table& table, const std::string& column,
                               const std::vector<std::string>& known) {
  DML_TRY(const std::size_t index, table.schema().Find(column));
  Target target;
  target.classes = known;
  if (known.empty()) {
    DML_TRY(const std::set<std::string> labels, CollectLabels(table, column));
    const table::ColumnType type = table.schema().fields[index].type;
    const bool text = type == table::ColumnType::kString || type == table::ColumnType::kCategory;
    target.classes = SortLabels(
        labels, !text && type != table::ColumnType::kBool && type != table::ColumnType::kTimestamp);
    if (labels.size() < 2) {
      return Error::Invalid(fmt::format("the target '{}' has {} class, and at least 2 are needed",
                                        column, labels.size()));
    }
  }
  std::map<std::string, double> numbers;
  for (std::size_t i = 0; i < target.classes.size(); ++i) {
    numbers.emplace(target.classes[i], static_cast<double>(i));
  }
  target.values.reserve(table.rows());
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {column}));
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (!batch.columns[0].IsValid(row)) return MissingTarget(column, batch.first_row + row);
      const auto found = numbers.find(batch.columns[0].AsText(row));
      if (found == numbers.end()) {
        return Error::Invalid(
            fmt::format("row {} has the class '{}', which the model does not know",
                        batch.first_row + row + 1, batch.columns[0].AsText(row)),
            DidYouMean(batch.columns[0].AsText(row), target.classes));
      }
      target.values.push_back(found->second);
    }
  }
  return target;
}

Result<std::unique_ptr<DesignMatrix>> DesignMatrix::Make(table::Table table,
                                                         std::vector<std::string> columns,
                                                         std::vector<double> target,
                                                         bool allow_missing) {
  for (const std::string& name : columns) {
    DML_TRY(const std::size_t index, table.schema().Find(name));
    const table::ColumnType type = table.schema().fields[index].type;
    if (type == table::ColumnType::kString || type == table::ColumnType::kCategory ||
        type == table::ColumnType::kSparse) {
      return Error::Invalid(
          fmt::format("the column '{}' is {}, not a number", name, table::ColumnTypeName(type)),
          "leave it out with drop: [" + name + "]");
    }
  }
  if (columns.empty()) return Error::Invalid("there is no column to learn from");
  auto matrix = std::unique_ptr<DesignMatrix>(new DesignMatrix(std::move(table)));
  matrix->columns_ = std::move(columns);
  matrix->target_ = std::move(target);
  matrix->allow_missing_ = allow_missing;
  matrix->starts_.push_back(0);
  for (std::size_t p = 0; p < matrix->table_.partition_count(); ++p) {
    matrix->starts_.push_back(matrix->starts_.back() + matrix->table_.partition_rows(p));
  }
  return matrix;
}

std::size_t DesignMatrix::tile_count() const {
  return static_cast<std::size_t>((rows() + learn::kTileRows - 1) / learn::kTileRows);
}

Result<void> DesignMatrix::Read(std::size_t tile, learn::Tile& out) const {
  const std::uint64_t begin = static_cast<std::uint64_t>(tile) * learn::kTileRows;
  const std::uint64_t end = std::min<std::uint64_t>(begin + learn::kTileRows, rows());
  out = learn::Tile();
  out.rows = static_cast<std::size_t>(end - begin);
  out.features = columns_.size();
  out.first_row = begin;
  out.x.resize(out.rows * out.features);
  if (!target_.empty()) {
    out.y.assign(target_.begin() + static_cast<std::ptrdiff_t>(begin),
                 target_.begin() + static_cast<std::ptrdiff_t>(end));
  }
  for (std::size_t p = 0; p + 1 < starts_.size(); ++p) {
    const std::uint64_t from = std::max(begin, starts_[p]);
    const std::uint64_t to = std::min(end, starts_[p + 1]);
    if (from < to) DML_RETURN_IF_ERROR(CopyRows(p, from, to, out));
  }
  return {};
}

Result<void> DesignMatrix::CopyRows(std::size_t partition, std::uint64_t begin, std::uint64_t end,
                                    learn::Tile& out) const {
  DML_TRY(const table::Batch batch, table_.Read(partition, columns_));
  const std::uint64_t first = starts_[partition];
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const table::Column& column = batch.columns[c];
    for (std::uint64_t row = begin; row < end; ++row) {
      const double value = column.AsDouble(static_cast<std::size_t>(row - first));
      if (std::isinf(value) || (std::isnan(value) && !allow_missing_)) {
        return Error::Invalid(
            fmt::format("the column '{}' {} in row {}", columns_[c],
                        std::isinf(value) ? "is infinite" : "has no value", row + 1),
            "this estimator needs every value: fill it in, drop the column, or use a forest");
      }
      out.x[static_cast<std::size_t>(row - out.first_row) * out.features + c] = value;
    }
  }
  return {};
}

}  // namespace dml::steps
