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

// Expands row i of a tile, dense or sparse, into `row`.
void DenseRow(const Tile& tile, std::size_t i, std::vector<double>& row) {
  if (!tile.sparse()) {
    const double* first = tile.x.data() + i * tile.features;
    row.assign(first, first + tile.features);
    return;
  }
  row.assign(tile.features, 0.0);
  for (auto k = static_cast<std::size_t>(tile.offsets[i]);
       k < static_cast<std::size_t>(tile.offsets[i + 1]); ++k) {
    row[static_cast<std::size_t>(tile.indices[k])] = tile.values[k];
  }
}

double WeightOf(const Tile& tile, std::size_t i) {
  return tile.weight.empty() ? 1.0 : tile.weight[i];
}

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
        weights[i] = WeightOf(tile, i);
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
    std::vector<std::vector<double>> values(last - first);
    std::vector<Extremes> extremes(last - first, Extremes(ends));
    std::mutex mutex;
    const auto take = [&](std::size_t, const Tile& tile) -> Result<void> {
      std::vector<double> row;
      std::vector<std::vector<double>> found(last - first);
      std::vector<Extremes> outermost(last - first, Extremes(ends));
      for (std::size_t i = 0; i < tile.rows; ++i) {
        if (!(WeightOf(tile, i) > 0)) continue;
        const bool sampled = share >= 1 || random.Uniform(tile.row_id(i)) < share;
        DenseRow(tile, i, row);
        for (std::size_t f = first; f < last; ++f) {
          if (!std::isfinite(row[f])) continue;
          if (sampled) found[f - first].push_back(row[f]);
          if (ends > 0) outermost[f - first].Add(row[f]);
        }
      }
      const std::scoped_lock lock(mutex);
      for (std::size_t k = 0; k < found.size(); ++k) {
        extremes[k].Merge(outermost[k]);
        values[k].insert(values[k].end(), found[k].begin(), found[k].end());
      }
      return {};
    };
    DML_RETURN_IF_ERROR(ForEachTile(take));
    ParallelFor(execution_.threads, values.size(), [&](std::size_t k) {
      extremes[k].AppendTo(values[k]);
      data_.features[first + k] = ChooseBins(values[k], bins_max_);
    });
    return {};
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
      const std::size_t p = data_.features.size();
      if (tile.sparse()) {
        std::vector<double> row;
        for (std::size_t i = 0; i < tile.rows; ++i) {
          DenseRow(tile, i, row);
          for (std::size_t f = 0; f < p; ++f) {
            DML_RETURN_IF_ERROR(EncodeCell(f, row[f], first_row_[t] + i, tile.row_id(i)));
          }
        }
        return {};
      }
      // Feature by feature, so that the levels of one stay in the cache.
      for (std::size_t f = 0; f < p; ++f) {
        for (std::size_t i = 0; i < tile.rows; ++i) {
          DML_RETURN_IF_ERROR(EncodeCell(f, tile.x[i * p + f], first_row_[t] + i, tile.row_id(i)));
        }
      }
      return {};
    });
  }

  Result<void> EncodeCell(std::size_t f, double value, std::size_t row, std::uint64_t row_id) {
    if (std::isinf(value)) return Infinite(f, row_id);
    const FeatureBins& bins = data_.features[f];
    const bool missing = std::isnan(value) || bins.count() == 0;
    const LevelCode code = missing ? bins.FirstOf(bins.missing_code()) : bins.Code(value);
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
