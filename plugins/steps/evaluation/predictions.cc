#include "plugins/steps/evaluation/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dml::steps {

namespace {

// Without a stated budget.
constexpr std::uint64_t kMemoryBytes = std::uint64_t{256} << 20U;

std::uint64_t MemoryFor(const plugins::StepContext& context) {
  return context.memory_bytes > 0 ? static_cast<std::uint64_t>(context.memory_bytes) / 4
                                  : kMemoryBytes;
}

// Metrics sort predictions, which what is no number cannot be.
Result<void> CheckFinite(const RowView& rows, const learn::Tile& tile,
                         std::span<const double> output) {
  const auto wrong =
      std::ranges::find_if(output, [](double value) { return !std::isfinite(value); });
  if (wrong == output.end()) return {};
  const std::size_t width = output.size() / tile.rows;
  const auto row = static_cast<std::size_t>(wrong - output.begin()) / width;
  return Error::Invalid(fmt::format("the prediction {} is not finite", *wrong),
                        "look for extreme values in the row: clip them, or leave the row out")
      .At(fmt::format("row {}", rows.table_row(tile.first_row + row) + 1));
}

}  // namespace

Result<ModelOutput> PredictAll(const learn::Predictor& predictor, const DesignMatrix& matrix,
                               const plugins::StepContext& context) {
  const auto rows = static_cast<std::size_t>(matrix.rows());
  const std::size_t width = predictor.outputs();
  const std::size_t row_bytes = (width + 2) * sizeof(double) + learn::kSortedRowBytes;
  ModelOutput all;
  DML_TRY(all.memory,
          learn::ScratchMemory::Make(rows * row_bytes, MemoryFor(context), context.scratch_dir));
  all.y = all.memory.Take<double>(rows);
  all.output = all.memory.Take<double>(rows * width);
  const std::span<double> weight = all.memory.Take<double>(rows);
  all.room = all.memory.Take<std::byte>(rows * learn::kSortedRowBytes);
  std::size_t at = 0;
  learn::Tile tile;
  for (std::size_t t = 0; t < matrix.tile_count(); ++t) {
    if (context.stop.stop_requested()) return Error::Cancelled("stopped");
    DML_RETURN_IF_ERROR(matrix.Read(t, tile));
    const std::span<double> output = all.output.subspan(at * width, tile.rows * width);
    predictor.Predict(tile, output);
    DML_RETURN_IF_ERROR(CheckFinite(matrix.features(), tile, output));
    std::ranges::copy(tile.y, all.y.subspan(at).begin());
    std::ranges::copy(tile.weight, weight.subspan(at).begin());
    if (!tile.weight.empty()) all.weight = weight;
    at += tile.rows;
  }
  return all;
}

}  // namespace dml::steps
