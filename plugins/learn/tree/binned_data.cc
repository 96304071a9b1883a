#include "plugins/learn/tree/binned_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "base/random.h"
#include "plugins/learn/tree/extremes.h"
#include "plugins/learn/tree/fixed_target.h"
#include "plugins/learn/tree/hidden_patterns.h"
#include "plugins/learn/tree/parallel_for.h"

namespace dml::learn {

namespace {

double SampleWeight(const Tile& tile, std::size_t i) {
  return tile.weight.empty() ? 1.0 : tile.weight[i];
}

// What is seen of one feature while its bins are chosen.
struct SeenValues {
  std::vector<double> sampled;  // in any order
  Extremes outermost;           // of all rows

  void Add(double value, bool is_sampled) {
    if (!std::isfinite(value)) return;
    if (is_sampled) sampled.push_back(value);
    outermost.Add(value);
  }
};

// A number of rows, and how many of them are sampled.
struct RowCount {
  std::size_t all = 0;
  std::size_t sampled = 0;

  void Add(bool is_sampled) {
    ++all;
    sampled += is_sampled ? 1U : 0U;
  }
};

class Binner {
 public:
  Binner(const DataSource& source, std::size_t classes, int max_bins, const Execution& execution)
      : source_(source), bins_max_(static_cast<std::size_t>(max_bins)), execution_(execution) {
    data_.classes = classes;
  }

  Result<BinnedData> Run() {
    data_.rows = static_cast<std::size_t>(source_.rows());
    data_.features.resize(source_.feature_names().size());
    if (data_.rows == 0) {
      return Error::Invalid("there are no rows to train on",
                            "check the filters and splits before this step");
    }
    if (data_.rows >= std::numeric_limits<std::uint32_t>::max()) {
      return Error::Invalid("trees take at most 4,294,967,294 rows", "sample the rows first");
    }
    DML_RETURN_IF_ERROR(ReadTargets());
    const std::size_t sampled = std::min(data_.rows, 2 * kBinSampleRows);
    const std::size_t block =
        std::max<std::size_t>(1, kBinSampleBytes / (sizeof(double) * sampled));
    for (std::size_t first = 0; first < data_.features.size(); first += block) {
      DML_RETURN_IF_ERROR(ChooseFor(first, std::min(first + block, data_.features.size())));
    }
    DML_RETURN_IF_ERROR(Encode());
    DML_RETURN_IF_ERROR(FixTargets(weights_, data_));
    data_.hidden = FindHiddenPatterns(data_, execution_.threads);
    return std::move(data_);
  }

 private:
  // Calls visit(tile number, tile) for all tiles; the error of the lowest tile wins.
  template <typename Visit>
  Result<void> ForEachTile(const Visit& visit) {
    std::mutex mutex;
    std::optional<std::pair<std::size_t, Error>> failure;
    ParallelFor(execution_.threads, source_.tile_count(), [&](std::size_t t) {
      Tile tile;
      Result<void> result =
          execution_.stop.stop_requested() ? Error::Cancelled("stopped") : source_.Read(t, tile);
      if (result.ok()) result = visit(t, tile);
      if (result.ok()) return;
      const std::scoped_lock lock(mutex);
      if (!failure || t < failure->first) failure.emplace(t, std::move(result).error());
    });
    if (failure) return std::move(failure->second);
    return {};
  }

  Result<void> ReadTargets() {
    std::vector<std::pair<std::vector<double>, std::vector<double>>> read(source_.tile_count());
    const auto take = [&](std::size_t t, Tile& tile) -> Result<void> {
      if (tile.y.size() != tile.rows) {
        return Error::Invalid("a tree needs a target", "name the target column");
      }
      std::vector<double> weights(tile.rows);
      for (std::size_t i = 0; i < tile.rows; ++i) {
        weights[i] = SampleWeight(tile, i);
        DML_RETURN_IF_ERROR(CheckTarget(tile.y[i], weights[i], tile.row_id(i)));
      }
      read[t] = {std::move(tile.y), std::move(weights)};
      return {};
    };
    DML_RETURN_IF_ERROR(ForEachTile(take));
    for (auto& [y, weights] : read) {
      first_row_.push_back(data_.y.size());
      data_.y.insert(data_.y.end(), y.begin(), y.end());
      weights_.insert(weights_.end(), weights.begin(), weights.end());
    }
    if (data_.y.size() != data_.rows) return Error::Task("the tiles do not hold all rows");
    return {};
  }

  Result<void> CheckTarget(double y, double weight, std::uint64_t row) const {
    const bool is_class = y >= 0 && y < static_cast<double>(data_.classes) && y == std::floor(y);
    if (data_.classes > 0 ? !is_class : !std::isfinite(y)) {
      return Error::Invalid(fmt::format("{} is not a valid target", y),
                            "drop or mend the rows without a target")
          .At(fmt::format("row {}", row + 1));
    }
    if (weight >= 0 && std::isfinite(weight)) return {};
    return Error::Invalid(fmt::format("the weight {} is not a finite number of at least 0", weight))
        .At(fmt::format("row {}", row + 1));
  }

  Result<void> ChooseFor(std::size_t first, std::size_t last) {
    const Philox random(0, "tree bins");
    const double share = static_cast<double>(kBinSampleRows) / static_cast<double>(data_.rows);
    // Extremes of all rows: a sample seldom holds them, and the ends of a tail are looked at
    // closely.
    const std::size_t ends = share < 1 ? kLevelsAlone : 0;
    const auto is_sampled = [&](std::uint64_t row) {
      return share >= 1 || random.Uniform(row) < share;
    };
    std::vector<SeenValues> all(last - first, SeenValues{{}, Extremes(ends)});
    std::mutex mutex;
    const auto take = [&](std::size_t, const Tile& tile) -> Result<void> {
      std::vector<SeenValues> seen(last - first, SeenValues{{}, Extremes(ends)});
      if (tile.sparse()) {
        SeeSparse(tile, first, is_sampled, seen);
      } else {
        SeeDense(tile, first, is_sampled, seen);
      }
      const std::scoped_lock lock(mutex);
      for (std::size_t k = 0; k < seen.size(); ++k) {
        all[k].outermost.Merge(seen[k].outermost);
        all[k].sampled.insert(all[k].sampled.end(), seen[k].sampled.begin(), seen[k].sampled.end());
      }
      return {};
    };
    DML_RETURN_IF_ERROR(ForEachTile(take));
    ParallelFor(execution_.threads, all.size(), [&](std::size_t k) {
      all[k].outermost.AppendTo(all[k].sampled);
      data_.features[first + k] = ChooseBins(all[k].sampled, bins_max_);
    });
    return {};
  }

  template <typename IsSampled>
  static void SeeDense(const Tile& tile, std::size_t first, const IsSampled& is_sampled,
                       std::vector<SeenValues>& seen) {
    for (std::size_t i = 0; i < tile.rows; ++i) {
      if (!(SampleWeight(tile, i) > 0)) continue;
      const bool sampled = is_sampled(tile.row_id(i));
      const double* const row = tile.x.data() + i * tile.features + first;
      for (std::size_t k = 0; k < seen.size(); ++k) seen[k].Add(row[k], sampled);
    }
  }

  // In time that grows with the values that are stored: of a hundred thousand features, a row has a
  // handful. All others are zero.
  template <typename IsSampled>
  static void SeeSparse(const Tile& tile, std::size_t first, const IsSampled& is_sampled,
                        std::vector<SeenValues>& seen) {
    RowCount rows;
    std::vector<RowCount> stored(seen.size());
    for (std::size_t i = 0; i < tile.rows; ++i) {
      if (!(SampleWeight(tile, i) > 0)) continue;
      const bool sampled = is_sampled(tile.row_id(i));
      rows.Add(sampled);
      for (std::size_t cell = FirstCell(tile, i); cell < FirstCell(tile, i + 1); ++cell) {
        const auto feature = static_cast<std::size_t>(tile.indices[cell]);
        if (feature < first || feature - first >= seen.size()) continue;
        stored[feature - first].Add(sampled);
        seen[feature - first].Add(tile.values[cell], sampled);
      }
    }
    for (std::size_t k = 0; k < seen.size(); ++k) {
      if (stored[k].all == rows.all) continue;
      seen[k].outermost.Add(0.0);
      seen[k].sampled.insert(seen[k].sampled.end(), rows.sampled - stored[k].sampled, 0.0);
    }
  }

  Result<void> Encode() {
    std::size_t divided = 0;
    for (const FeatureBins& bins : data_.features) {
      data_.levels_at.push_back(divided * data_.rows);
      divided += bins.divided() ? 1U : 0U;
    }
    data_.codes.resize(data_.rows * data_.features.size());
    data_.level_codes.resize(data_.rows * divided);
    return ForEachTile([&](std::size_t t, const Tile& tile) -> Result<void> {
      if (tile.sparse()) return EncodeSparse(tile, first_row_[t]);
      const std::size_t p = data_.features.size();
      // Feature by feature, so that the levels of one stay in the cache.
      for (std::size_t f = 0; f < p; ++f) {
        for (std::size_t i = 0; i < tile.rows; ++i) {
          DML_RETURN_IF_ERROR(EncodeCell(f, tile.x[i * p + f], first_row_[t] + i, tile.row_id(i)));
        }
      }
      return {};
    });
  }

  // Zeros first, then what is stored.
  Result<void> EncodeSparse(const Tile& tile, std::size_t first_row) {
    for (std::size_t f = 0; f < data_.features.size(); ++f) {
      const LevelCode zero = CodeOf(data_.features[f], 0.0);
      std::fill_n(data_.codes.data() + f * data_.rows + first_row, tile.rows,
                  static_cast<std::uint8_t>(zero >> 8U));
      if (!data_.features[f].divided()) continue;
      std::fill_n(data_.level_codes.data() + data_.levels_at[f] + first_row, tile.rows, zero);
    }
    for (std::size_t i = 0; i < tile.rows; ++i) {
      for (std::size_t cell = FirstCell(tile, i); cell < FirstCell(tile, i + 1); ++cell) {
        const auto feature = static_cast<std::size_t>(tile.indices[cell]);
        DML_RETURN_IF_ERROR(EncodeCell(feature, tile.values[cell], first_row + i, tile.row_id(i)));
      }
    }
    return {};
  }

  static std::size_t FirstCell(const Tile& tile, std::size_t row) {
    return static_cast<std::size_t>(tile.offsets[row]);
  }

  static LevelCode CodeOf(const FeatureBins& bins, double value) {
    const bool missing = std::isnan(value) || bins.count() == 0;
    return missing ? FeatureBins::FirstOf(bins.missing_code()) : bins.Code(value);
  }

  Result<void> EncodeCell(std::size_t f, double value, std::size_t row, std::uint64_t row_id) {
    if (std::isinf(value)) return Infinite(f, row_id);
    const FeatureBins& bins = data_.features[f];
    const LevelCode code = CodeOf(bins, value);
    data_.codes[f * data_.rows + row] = static_cast<std::uint8_t>(code >> 8U);
    if (bins.divided()) data_.level_codes[data_.levels_at[f] + row] = code;
    return {};
  }

  [[nodiscard]] Error Infinite(std::size_t f, std::uint64_t row) const {
    return Error::Invalid(fmt::format("'{}' is infinite", source_.feature_names()[f]),
                          "clip the column, or make it missing")
        .At(fmt::format("row {}", row + 1));
  }

  const DataSource& source_;
  const std::size_t bins_max_;
  const Execution& execution_;
  BinnedData data_;
  std::vector<double> weights_;
  std::vector<std::size_t> first_row_;  // of each tile
};

}  // namespace

Result<BinnedData> BinData(const DataSource& source, std::size_t classes, int max_bins,
                           const Execution& execution) {
  return Binner(source, classes, max_bins, execution).Run();
}

}  // namespace dml::learn
