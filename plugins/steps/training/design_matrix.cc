#include "plugins/steps/training/design_matrix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace dml::steps {

namespace {

using table::Batch;
using table::Column;
using table::ColumnType;

constexpr std::size_t kBlockRows = 128;       // rows that are turned from columns to rows together
constexpr std::size_t kSparseFeatures = 256;  // below, dense tiles are faster whatever they hold

// Times are numbers to a machine, but so large ones that they would drown every other feature.
// Models of before that was refused still predict from them.
bool IsFeature(ColumnType type, RowsAreFor rows_are_for) {
  if (type == ColumnType::kTimestamp) return rows_are_for == RowsAreFor::kPrediction;
  return type != ColumnType::kString && type != ColumnType::kCategory;
}

constexpr std::size_t kColumnsNamed = 5;

// "'a', 'b'", of at most kColumnsNamed; whatever is left is counted.
std::string NamedColumns(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kColumnsNamed); ++i) {
    out += fmt::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kColumnsNamed)
    out += fmt::format(" and {} more", names.size() - kColumnsNamed);
  return out;
}

// Of one field that is no number, and of all others of its type: who mends them one by one begins
// again for each.
Error NotANumber(const table::Schema& schema, const table::Field& field) {
  std::vector<std::string> names;
  for (const table::Field& other : schema.fields) {
    if (other.type == field.type) names.push_back(other.name);
  }
  const bool text = field.type == ColumnType::kString;
  const bool time = field.type == ColumnType::kTimestamp;
  const bool one = names.size() == 1;
  const std::string listed = fmt::format("[{}]", fmt::join(names, ", "));
  std::string chosen = listed;
  if (!one && !time) chosen = text ? "text" : "categorical";
  return Error::Invalid(
      fmt::format("the column{} {} {}, and an estimator needs numbers", one ? "" : "s",
                  NamedColumns(names),
                  text   ? (one ? "is text" : "are text")
                  : time ? (one ? "is a timestamp" : "are timestamps")
                         : (one ? "is categorical" : "are categorical")),
      fmt::format("add to preprocess: - {}: {{columns: {}}}, or leave {} out with drop{}",
                  text   ? "tfidf"
                  : time ? "date_parts"
                         : "one_hot",
                  chosen, one ? "it" : "them", names.size() > kColumnsNamed ? "" : ": " + listed));
}

template <typename T>
void CopyBlock(std::span<const T> values, std::size_t begin, std::size_t end, std::size_t stride,
               double* out) {
  for (std::size_t row = begin; row < end; ++row, out += stride) {
    *out = static_cast<double>(values[row]);
  }
}

// Rows [begin, end) of a column into every `stride`-th place of `out`; missing becomes NaN.
void CopyNumbers(const Column& column, std::size_t begin, std::size_t end, std::size_t stride,
                 double* out) {
  if (column.type() == ColumnType::kFloat64) {
    CopyBlock(column.float64(), begin, end, stride, out);
  } else if (column.type() == ColumnType::kInt64 && !column.has_missing()) {
    CopyBlock(column.int64(), begin, end, stride, out);
  } else {
    for (std::size_t row = begin; row < end; ++row, out += stride) *out = column.AsDouble(row);
  }
}

void ScatterSparse(const Column& column, std::size_t row, double* out) {
  const auto begin = static_cast<std::size_t>(column.offsets()[row]);
  const auto end = static_cast<std::size_t>(column.offsets()[row + 1]);
  for (std::size_t i = begin; i < end; ++i) {
    out[column.sparse_indices()[i]] = column.sparse_values()[i];
  }
}

}  // namespace

Result<std::unique_ptr<DesignMatrix>> DesignMatrix::Make(const table::Table& table,
                                                         RowView features, Labels labels,
                                                         bool allow_missing,
                                                         RowsAreFor rows_are_for) {
  auto matrix = std::unique_ptr<DesignMatrix>(new DesignMatrix(std::move(features)));
  const table::Schema& schema = matrix->features_.schema();
  std::size_t in_sparse = 0;
  for (std::size_t c = 0; c < schema.fields.size(); ++c) {
    const table::Field& field = schema.fields[c];
    if (!IsFeature(field.type, rows_are_for)) return NotANumber(schema, field);
    matrix->offsets_.push_back(matrix->names_.size());
    const std::vector<std::string> names = matrix->features_.FeatureNames(c);
    matrix->names_.insert(matrix->names_.end(), names.begin(), names.end());
    if (field.type == ColumnType::kSparse) in_sparse += names.size();
  }
  const std::size_t all = matrix->names_.size();
  if (all == 0) return Error::Invalid("there is no column to learn from");
  matrix->sparse_ = all > kSparseFeatures && in_sparse * 10 >= all * 9;
  matrix->allow_missing_ = allow_missing;
  matrix->rows_are_for_ = rows_are_for;
  std::vector<std::string> label_columns;
  if (!labels.target.column.empty()) label_columns.push_back(labels.target.column);
  if (!labels.weight_column.empty()) label_columns.push_back(labels.weight_column);
  if (!label_columns.empty()) {
    DML_TRY(RowView rows, RowView::Of(table, std::move(label_columns)));
    matrix->label_rows_ = rows.SelectAs(matrix->features_);
  }
  matrix->labels_ = std::move(labels);
  return matrix;
}

Result<void> DesignMatrix::Read(std::size_t tile, learn::Tile& out) const {
  DML_TRY(const std::vector<Batch> pieces, features_.Read(tile));
  const std::uint64_t begin = static_cast<std::uint64_t>(tile) * learn::kTileRows;
  out.rows = static_cast<std::size_t>(std::min<std::uint64_t>(learn::kTileRows, rows() - begin));
  out.features = names_.size();
  out.first_row = begin;
  out.x.clear();
  out.offsets.clear();
  out.indices.clear();
  out.values.clear();
  out.row_ids.clear();
  if (sparse_) {
    out.offsets.push_back(0);
  } else {
    out.x.assign(out.rows * out.features, 0.0);
  }
  std::size_t at = 0;
  for (const Batch& piece : pieces) {
    DML_RETURN_IF_ERROR(sparse_ ? AppendSparse(piece, at, out) : FillDense(piece, at, out));
    at += piece.rows;
  }
  for (std::size_t i = 0; features_.chosen() && i < out.rows; ++i) {
    out.row_ids.push_back(features_.table_row(begin + i));
  }
  return ReadLabels(tile, out);
}

Result<void> DesignMatrix::ReadLabels(std::size_t tile, learn::Tile& out) const {
  out.y.clear();
  out.weight.clear();
  if (!label_rows_) return {};
  DML_TRY(const std::vector<Batch> pieces, label_rows_->Read(tile));
  const auto append = [&](const Batch& piece) { return AppendLabels(piece, out); };
  for (const Batch& piece : pieces) {
    auto appended = append(piece);
    if (!appended.ok()) {
      return label_rows_->Blame(pieces, tile, std::move(appended).error(), append);
    }
  }
  return {};
}

Result<void> DesignMatrix::AppendLabels(const Batch& piece, learn::Tile& out) const {
  if (!labels_.target.column.empty()) {
    DML_RETURN_IF_ERROR(AppendTarget(labels_.target, piece.columns[0], piece.first_row, out.y));
  }
  if (labels_.weight_column.empty()) return {};
  const Column& weights = piece.columns.back();
  for (std::size_t row = 0; row < piece.rows; ++row) {
    const double weight = weights.AsDouble(row);
    if (!(weight >= 0.0) || std::isinf(weight)) {
      return Error::Invalid(fmt::format("the weight '{}' is {} in row {}", labels_.weight_column,
                                        std::isnan(weight) ? "missing" : weights.AsText(row),
                                        piece.first_row + row + 1),
                            "weights are finite numbers of at least 0");
    }
    out.weight.push_back(weight);
  }
  return {};
}

Result<void> DesignMatrix::FillDense(const Batch& batch, std::size_t at, learn::Tile& out) const {
  const std::size_t width = out.features;
  for (std::size_t begin = 0; begin < batch.rows; begin += kBlockRows) {
    const std::size_t end = std::min(begin + kBlockRows, batch.rows);
    double* const block = out.x.data() + (at + begin) * width;
    for (std::size_t c = 0; c < batch.columns.size(); ++c) {
      if (batch.columns[c].type() != ColumnType::kSparse) {
        CopyNumbers(batch.columns[c], begin, end, width, block + offsets_[c]);
        continue;
      }
      for (std::size_t row = begin; row < end; ++row) {
        ScatterSparse(batch.columns[c], row, block + (row - begin) * width + offsets_[c]);
      }
    }
    for (std::size_t i = 0; i < (end - begin) * width; ++i) {
      const bool fine = std::isfinite(block[i]) || (allow_missing_ && std::isnan(block[i]));
      if (!fine) return BadValue(i % width, out.first_row + at + begin + i / width, block[i]);
    }
  }
  return {};
}

Result<void> DesignMatrix::AppendSparse(const Batch& batch, std::size_t at,
                                        learn::Tile& out) const {
  const std::uint64_t first = out.first_row + at;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    for (std::size_t c = 0; c < batch.columns.size(); ++c) {
      const Column& column = batch.columns[c];
      const auto feature = static_cast<std::int32_t>(offsets_[c]);
      if (column.type() != ColumnType::kSparse) {
        const double value = column.AsDouble(row);
        if (!std::isfinite(value)) return BadValue(offsets_[c], first + row, value);
        if (value == 0.0) continue;
        out.indices.push_back(feature);
        out.values.push_back(value);
        continue;
      }
      const auto begin = static_cast<std::size_t>(column.offsets()[row]);
      const auto end = static_cast<std::size_t>(column.offsets()[row + 1]);
      for (std::size_t i = begin; i < end; ++i) {
        const double value = column.sparse_values()[i];
        if (!std::isfinite(value)) return BadValue(offsets_[c], first + row, value);
        out.indices.push_back(feature + column.sparse_indices()[i]);
        out.values.push_back(value);
      }
    }
    out.offsets.push_back(static_cast<std::int64_t>(out.values.size()));
  }
  return {};
}

// A column's first value is soon found, if it has one.
bool DesignMatrix::HasAnyValue(std::size_t feature) const {
  const auto next = std::ranges::upper_bound(offsets_, feature);
  const auto column = static_cast<std::size_t>(next - offsets_.begin()) - 1;
  for (std::size_t tile = 0; tile < tile_count(); ++tile) {
    const auto pieces = features_.Read(tile);
    if (!pieces.ok()) return true;  // another matter
    for (const Batch& piece : *pieces) {
      const Column& values = piece.columns[column];
      if (values.type() == ColumnType::kSparse) return true;
      for (std::size_t row = 0; row < piece.rows; ++row) {
        if (!std::isnan(values.AsDouble(row))) return true;
      }
    }
  }
  return false;
}

Error DesignMatrix::BadValue(std::size_t feature, std::uint64_t row, double value) const {
  const bool training = rows_are_for_ == RowsAreFor::kTraining;
  if (training && std::isnan(value) && !HasAnyValue(feature)) {
    return Error::Invalid(
        fmt::format("the column '{}' has no value in any row", names_[feature]),
        fmt::format("leave it out with drop: [{}], or look whether it was loaded as it should be",
                    names_[feature]));
  }
  const std::string where =
      fmt::format("'{}' {} in row {}", names_[feature],
                  std::isnan(value) ? "has no value" : "is infinite", features_.table_row(row) + 1);
  if (std::isnan(value)) {
    if (!training) {
      return Error::Invalid("the column " + where,
                            "the model needs every value: fill it in, leave the row out, or train "
                            "with - impute: {columns: numeric, strategy: median} in preprocess");
    }
    return Error::Invalid("the column " + where,
                          "this estimator needs every value: add - impute: {columns: numeric, "
                          "strategy: median} to preprocess, drop the column, or use a forest");
  }
  return Error::Invalid("the column " + where, "clip the column, or drop the row");
}

}  // namespace dml::steps
