#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/tree/feature_bins.h"

namespace dml::learn {

// Training rows for trees: one byte per cell, column by column, a second one for features whose
// bins are divided, and targets as integers, so that every sum of a fit is exact and free of order.
// Immutable once built.
struct BinnedData {
  std::size_t rows = 0;
  std::size_t classes = 0;  // 0: regression
  std::vector<FeatureBins> features;
  std::vector<std::uint8_t> codes;     // features x rows: the bin
  std::vector<LevelCode> level_codes;  // divided features x rows: bin and level
  std::vector<std::size_t> levels_at;  // of each feature in `level_codes`, if it is divided
  std::vector<bool> hidden;            // per feature: its bins hide a pattern (hidden_patterns.h)

  std::vector<double> y;             // as given
  std::vector<std::uint32_t> label;  // classification
  std::vector<std::int64_t> weight;  // in units of 1 / weight_scale; 0: the row is left out
  std::vector<std::int64_t> value;   // regression: round(weight * (y - origin) * value_scale)
  double weight_scale = 1.0;
  double value_scale = 1.0;
  double origin = 0.0;
  bool weighted = false;

  [[nodiscard]] std::span<const std::uint8_t> column(std::size_t f) const {
    return {codes.data() + f * rows, rows};
  }
  [[nodiscard]] LevelCode code(std::size_t f, std::size_t row) const {
    const LevelCode* code = level_column(f);
    return code != nullptr ? code[row] : static_cast<LevelCode>(codes[f * rows + row] << 8U);
  }
  // Null if the bins of the feature are not divided: then each is its level 0.
  [[nodiscard]] const LevelCode* level_column(std::size_t f) const {
    return features[f].divided() ? level_codes.data() + levels_at[f] : nullptr;
  }
};

// Bins are chosen on all rows up to this number; above, on those rows whose Philox draw, keyed by
// the row id, is low - about this many, the same however the rows are partitioned -
// and on the kLevelsAlone extreme values at either end of all rows.
inline constexpr std::size_t kBinSampleRows = 200'000;
// Values held at once while bins are chosen; more features than fit take further passes.
inline constexpr std::size_t kBinSampleBytes = std::size_t{256} << 20;

// Reads the source twice or more, of sparse rows only what they store. Missing values are NaN;
// infinite ones, invalid targets and negative weights are kInvalid with their row. Memory: three
// bytes per cell; per feature 16 per level, of which there are at most 65,280 and no more than
// distinct values; per row 20 bytes for classes or 24 for numbers; 8 more per row and
// kBinSampleBytes while it is built.
Result<BinnedData> BinData(const DataSource& source, std::size_t classes, int max_bins,
                           const Execution& execution);

}  // namespace dml::learn
