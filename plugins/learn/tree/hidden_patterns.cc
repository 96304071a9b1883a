#include "plugins/learn/tree/hidden_patterns.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "plugins/learn/tree/neighbour_agreement.h"
#include "plugins/learn/tree/ordered_codes.h"
#include "plugins/learn/tree/parallel_for.h"

namespace dml::learn {

namespace {

// Standard deviations: chance alone goes beyond in one feature of some millions.
constexpr double kSurprise = 5.0;
// Less than this share of the target's scatter is not worth the search: bins that lie across the
// steps of a target always hide something.
constexpr double kShareMin = 0.01;

// Sums over the rows of one level, or of one bin: their weight, and what is predicted - the target,
// or the weight of every class. In integers, as all sums of a fit.
struct LevelSum {
  std::int64_t weight = 0;
  std::vector<std::int64_t> target;

  void Clear() {
    weight = 0;
    std::ranges::fill(target, 0);
  }
  [[nodiscard]] double Deviation(std::size_t c, double mean) const {
    return static_cast<double>(target[c]) - static_cast<double>(weight) * mean;
  }
  void Add(const BinnedData& data, std::size_t row) {
    weight += data.weight[row];
    if (data.classes > 0) {
      target[data.label[row]] += data.weight[row];
    } else {
      target[0] += data.value[row];
    }
  }
  void Add(const LevelSum& other) {
    weight += other.weight;
    for (std::size_t c = 0; c < target.size(); ++c) target[c] += other.target[c];
  }
};

// The agreement of neighbouring levels, bin by bin.
class Agreement {
 public:
  // `overall`: the mean of what is predicted.
  explicit Agreement(std::vector<double> overall)
      : overall_(std::move(overall)), neighbours_(overall_.size()) {}

  void AddBin(const std::vector<LevelSum>& levels, std::size_t count) {
    LevelSum bin = levels[0];
    for (std::size_t k = 1; k < count; ++k) bin.Add(levels[k]);
    neighbours_.Break();
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t c = 0; c < overall_.size(); ++c) {
        const double mean = static_cast<double>(bin.target[c]) / static_cast<double>(bin.weight);
        const double deviation = levels[k].Deviation(c, overall_[c]);
        scatter_ += deviation * deviation;
        neighbours_.deviation()[c] = levels[k].Deviation(c, mean);
      }
      neighbours_.Next();
    }
  }
  [[nodiscard]] bool IsSurprising() const {
    return neighbours_.IsBeyond(kSurprise) && neighbours_.sum() > kShareMin * scatter_;
  }

 private:
  const std::vector<double> overall_;
  double scatter_ = 0.0;
  NeighbourAgreement neighbours_;
};

// The rows of every `stride`th bin of a feature, by level.
OrderedCodes OrderRows(const BinnedData& data, std::size_t feature, std::size_t stride) {
  OrderedCodes ordered;
  const LevelCode* codes = data.level_column(feature);
  const std::size_t missing = data.features[feature].missing_code();
  for (std::size_t row = 0; row < data.rows; ++row) {
    const std::size_t bin = codes[row] >> 8U;
    if (bin == missing || bin % stride != 0 || data.weight[row] == 0) continue;
    ordered.Add(codes[row], static_cast<std::uint32_t>(row));
  }
  ordered.Sort();
  return ordered;
}

// Sums over all rows.
LevelSum SumUp(const BinnedData& data) {
  LevelSum sum;
  sum.target.resize(std::max<std::size_t>(data.classes, 1));
  for (std::size_t row = 0; row < data.rows; ++row) sum.Add(data, row);
  return sum;
}

bool HidesPattern(const BinnedData& data, std::size_t feature, const std::vector<double>& mean) {
  if (!data.features[feature].divided()) return false;
  const std::size_t stride = (data.rows + kHiddenSampleRows - 1) / kHiddenSampleRows;
  const OrderedCodes ordered = OrderRows(data, feature, stride);
  std::vector<LevelSum> levels(kLevelsMax);
  for (LevelSum& level : levels) level.target.resize(std::max<std::size_t>(data.classes, 1));
  Agreement agreement(mean);
  std::size_t count = 0;
  for (std::size_t k = 0; k < ordered.size();) {
    const LevelCode code = ordered.code(k);
    LevelSum& level = levels[count++];
    level.Clear();
    for (; k < ordered.size() && ordered.code(k) == code; ++k) {
      level.Add(data, ordered.position(k));
    }
    const bool bin_ends = k == ordered.size() || ordered.code(k) >> 8U != code >> 8U;
    if (!bin_ends) continue;
    agreement.AddBin(levels, count);
    count = 0;
  }
  return agreement.IsSurprising();
}

}  // namespace

std::vector<bool> FindHiddenPatterns(const BinnedData& data, int threads) {
  const LevelSum all = SumUp(data);
  std::vector<double> mean;
  for (const std::int64_t sum : all.target) {
    mean.push_back(static_cast<double>(sum) / static_cast<double>(all.weight));
  }
  std::vector<std::uint8_t> found(data.features.size());
  ParallelFor(threads, found.size(),
              [&](std::size_t f) { found[f] = HidesPattern(data, f, mean) ? 1 : 0; });
  return {found.begin(), found.end()};
}

}  // namespace dml::learn
