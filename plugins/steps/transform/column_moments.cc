#include "plugins/steps/transform/column_moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/row_pass.h"

namespace dml::steps {

namespace {

constexpr std::size_t kLanes = 8;

// Sum of map(value) in a fixed order that a compiler can vectorise without reassociating.
template <typename Map>
double SumOf(const std::vector<double>& values, const Map& map) {
  std::array<double, kLanes> lanes{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += map(values[i + lane]);
  }
  for (std::size_t i = whole; i < values.size(); ++i) lanes[i - whole] += map(values[i]);
  for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::size_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

ColumnMoments MomentsOf(const std::vector<double>& values) {
  ColumnMoments out;
  out.count = values.size();
  if (values.empty()) return out;
  const auto count = static_cast<double>(values.size());
  const double first = values.front();
  out.mean = first + SumOf(values, [=](double x) { return x - first; }) / count;
  const double mean = out.mean;
  // What rounding left in the mean is taken out of the squares.
  const double left = SumOf(values, [=](double x) { return x - mean; });
  out.squares = SumOf(values, [=](double x) { return (x - mean) * (x - mean); });
  out.squares = std::max(0.0, out.squares - left * left / count);
  const auto [min, max] = std::ranges::minmax(values);
  out.min = min;
  out.max = max;
  return out;
}

struct MomentsOfColumns {
  std::vector<ColumnMoments> columns;

  void Merge(MomentsOfColumns&& right) {
    if (columns.empty()) std::swap(columns, right.columns);
    for (std::size_t i = 0; i < right.columns.size(); ++i) columns[i].Merge(right.columns[i]);
  }
};

}  // namespace

void ColumnMoments::Merge(const ColumnMoments& right) {
  if (right.count == 0) return;
  if (count == 0) {
    *this = right;
    return;
  }
  const auto left_count = static_cast<double>(count);
  const auto right_count = static_cast<double>(right.count);
  const double total = left_count + right_count;
  const double delta = right.mean - mean;
  mean += delta * (right_count / total);
  squares += right.squares + delta * delta * (left_count / total * right_count);
  count += right.count;
  min = std::min(min, right.min);
  max = std::max(max, right.max);
}

Error TooLarge(const std::string& column, const char* what) {
  return Error::Invalid(fmt::format("the {} of '{}' are too large for a number", what, column),
                        "clip the column, or take its logarithm");
}

Error AllMissing(const std::string& column) {
  return Error::Invalid(
      fmt::format("the column '{}' has no value at all in the training rows", column),
      fmt::format("drop: {{columns: [{}]}}, or impute it with strategy: constant", column));
}

Result<std::vector<ColumnMoments>> MeasureColumns(const RowView& rows,
                                                  const std::vector<std::string>& columns,
                                                  const learn::Execution& execution) {
  DML_RETURN_IF_ERROR(RequireNumeric(rows.schema(), columns));
  DML_TRY(MomentsOfColumns found,
          PassOverChunks<MomentsOfColumns>(
              rows, execution,
              [&](std::span<const table::Batch> pieces, MomentsOfColumns& out) -> Result<void> {
                std::vector<double> present;
                for (const std::string& column : columns) {
                  present.clear();
                  for (const table::Batch& piece : pieces) {
                    DML_TRY(const Numbers numbers, ReadNumbers(piece, column));
                    for (const double x : numbers) {
                      if (!std::isnan(x)) present.push_back(x);
                    }
                  }
                  out.columns.push_back(MomentsOf(present));
                }
                return {};
              }));
  found.columns.resize(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ColumnMoments& moments = found.columns[i];
    if (moments.count == 0) return AllMissing(columns[i]);
    if (!std::isfinite(moments.mean) || !std::isfinite(moments.max - moments.min)) {
      return TooLarge(columns[i], "mean and range");
    }
  }
  return std::move(found.columns);
}

}  // namespace dml::steps
