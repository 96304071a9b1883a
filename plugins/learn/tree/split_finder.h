#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "plugins/learn/tree/binned_data.h"
#include "plugins/learn/tree/neighbour_agreement.h"
#include "plugins/learn/tree/ordered_codes.h"
#include "plugins/learn/tree/tree_options.h"

namespace dml::learn {

// A row of a node with what it adds to a sum. A "cell" is such a sum: classification has one
// integer per class; regression the weight and the weighted target; both then the number of rows.
struct ClassSample {
  std::uint32_t row = 0;
  std::uint32_t label = 0;
  std::int64_t weight = 0;

  void AddTo(std::int64_t* cell) const { cell[label] += weight; }
  void TakeFrom(std::int64_t* cell) const { cell[label] -= weight; }
};

struct ValueSample {
  std::uint32_t row = 0;
  std::int64_t weight = 0;
  std::int64_t value = 0;

  void AddTo(std::int64_t* cell) const {
    cell[0] += weight;
    cell[1] += value;
  }
  void TakeFrom(std::int64_t* cell) const {
    cell[0] -= weight;
    cell[1] -= value;
  }
};

struct Split {
  double gain = -1.0;  // weight x decrease of the impurity
  std::uint32_t feature = 0;
  LevelCode code = 0;  // codes up to this one go left
  bool missing_left = false;
  bool between_bins = false;  // of a feature whose bins are divided: levels are not looked at yet
  double threshold = 0.0;
};

// Classes that may have rows, ascending; empty: all. What others add is zero, so that leaving them
// out changes no bit.
using SomeClasses = std::span<const std::uint32_t>;

// Judges a division of a node's sum into two; all figures follow from exact integers.
class ImpurityRule {
 public:
  ImpurityRule(const BinnedData& data, SplitCriterion criterion, std::vector<double> class_weights);

  // Integers in a cell without the row count, which is at this index.
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] double Weight(const std::int64_t* cell, SomeClasses classes = {}) const;
  // weight x (impurity before - impurity after). Gini and squared error are computed from the
  // difference of the two sides' means, which does not cancel.
  [[nodiscard]] double Gain(const std::int64_t* left, const std::int64_t* right,
                            SomeClasses classes = {}) const;
  // Class probabilities, or the mean target.
  void LeafValue(const std::int64_t* cell, double* out) const;
  // The gain that the best of `places` to split these samples stays below by chance, where no
  // feature has to do with the target: more happens in about one node of twenty.
  template <typename Sample>
  [[nodiscard]] double ChanceGain(std::span<const Sample> samples,
                                  const std::vector<std::int64_t>& total, std::size_t places) const;

 private:
  [[nodiscard]] double WeightOf(const ClassSample& sample) const {
    return class_weights_[sample.label] * static_cast<double>(sample.weight);
  }
  [[nodiscard]] double WeightOf(const ValueSample& sample) const {
    return static_cast<double>(sample.weight) / weight_scale_;
  }
  // Weight x square distance from the mean; of classes the impurity of the whole tells as much.
  [[nodiscard]] static double ScatterOf(const ClassSample&, double) { return 0.0; }
  [[nodiscard]] double ScatterOf(const ValueSample& sample, double mean) const {
    const double weight = WeightOf(sample);
    const double apart = (static_cast<double>(sample.value) / weight - mean) / value_scale_;
    return weight * apart * apart;
  }
  [[nodiscard]] double ChanceOf(const std::vector<std::int64_t>& total, double squares,
                                double scatter, std::size_t places) const;
  // Of the sum of two cells, of which the second may be null.
  [[nodiscard]] double WeightedEntropy(const std::int64_t* cell, const std::int64_t* other,
                                       SomeClasses classes) const;
  template <typename Each>
  void ForEachOf(SomeClasses classes, const Each& each) const {
    if (classes.empty()) {
      for (std::size_t c = 0; c < width_; ++c) each(c);
    } else {
      for (const std::uint32_t c : classes) each(std::size_t{c});
    }
  }

  SplitCriterion criterion_;
  std::vector<double> class_weights_;
  std::size_t width_;
  double weight_scale_;
  double value_scale_;
  double origin_;
};

template <typename Sample>
double ImpurityRule::ChanceGain(std::span<const Sample> samples,
                                const std::vector<std::int64_t>& total, std::size_t places) const {
  const double mean = static_cast<double>(total[1]) / Weight(total.data());  // of a regression
  double squares = 0.0;
  double scatter = 0.0;
  for (const Sample& sample : samples) {
    const double weight = WeightOf(sample);
    squares += weight * weight;
    scatter += ScatterOf(sample, mean);
  }
  return ChanceOf(total, squares, scatter, places);
}

// Finds the best threshold of one feature for one node. A node of fewer than kOrderedRows rows, or
// with few bins of the feature, is split exactly as its rows' levels tell: they are sorted. So is
// any node by a feature that bins would hide (BinnedData::hidden). A larger one is split between
// two bins first; Refine then looks at the levels of these two. Scratch memory, reused: one per
// thread; 16 bytes a row while rows are sorted.
class SplitFinder {
 public:
  static constexpr std::size_t kOrderedRows = 512;

  SplitFinder(const BinnedData& data, const ImpurityRule& rule, int min_samples_leaf);

  // The node that is looked at from now on, by its sum. Where there are many classes, most nodes
  // have rows of few of them, and the others need not be looked at.
  void LookAt(const std::vector<std::int64_t>& total);

  // Improves `best` if the feature divides the samples better; an equal gain does not replace it.
  // False if the feature is the same in all of them.
  template <typename Sample>
  bool Try(std::span<const Sample> samples, const std::vector<std::int64_t>& total,
           std::uint32_t feature, Split& best);
  // The same for at least kOrderedRows samples that are counted already: a cell per bin.
  template <typename Sample>
  bool Judge(const std::int64_t* cells, std::span<const Sample> samples,
             const std::vector<std::int64_t>& total, std::uint32_t feature, Split& best);
  // Improves `best` as the rows' levels tell, whatever the number of samples. Of a feature whose
  // bins are not divided Try knows as much.
  template <typename Sample>
  bool TryOrdered(std::span<const Sample> samples, const std::vector<std::int64_t>& total,
                  std::uint32_t feature, Split& best);
  // Whether TryOrdered may find much more than bins tell, of a feature with divided bins: whether
  // the target follows it, in whatever pattern, in a sample of runs of values.
  template <typename Sample>
  bool MayHidePattern(std::span<const Sample> samples, const std::vector<std::int64_t>& total,
                      std::uint32_t feature);
  // Whether Judge needs the feature's cells of a node of at least kOrderedRows rows.
  [[nodiscard]] bool Counts(std::uint32_t feature) const { return !data_.hidden[feature]; }
  // Moves a split between two bins, the last that was found for these samples, to the best place
  // among the levels of the two.
  template <typename Sample>
  void Refine(std::span<const Sample> samples, const std::vector<std::int64_t>& total, Split& best);
  // Adds the samples to the cells of their bins, stride() integers each.
  template <typename Sample>
  void Count(std::span<const Sample> samples, std::uint32_t feature, std::int64_t* cells) const;
  [[nodiscard]] std::size_t stride() const { return stride_; }

 private:
  static constexpr std::size_t kCodes = 256;
  static constexpr std::size_t kFewBins = 16;
  // Eight neighbouring bins of each 64 make a sample; of fewer rows it tells nothing.
  static constexpr std::size_t kBinsOfRun = 8;
  static constexpr std::size_t kBinsPerRun = 64;
  static constexpr std::size_t kSampledRowsMin = 128;
  static constexpr double kNoticeable = 3.0;  // standard deviations

  // What Refine has to know of a split between two bins.
  struct Between {
    std::vector<std::int64_t> before;  // the sum of what goes left whatever the level
    std::uint8_t bin = 0;
    std::optional<std::uint8_t> next;
    bool missing = false;  // rows miss the feature
  };

  void FindPresent(const std::int64_t* cells, std::uint32_t feature);
  void Scan(const std::vector<std::int64_t>& total, std::uint32_t feature, bool missing_left,
            Split& best);
  void Consider(std::uint32_t feature, std::size_t position, bool missing_left, Split& best);
  // Moves the ordered samples from right to left, code by code, and improves `best`. `missing`:
  // rows miss the feature. Without `open_end`, behind the last code is no place to split.
  template <typename Sample>
  void ScanOrdered(std::span<const Sample> samples, bool missing, bool open_end, Split candidate,
                   Split& best);
  void StartWith(const std::vector<std::int64_t>& left, const std::vector<std::int64_t>& total);
  [[nodiscard]] const std::int64_t* CellOf(std::size_t code) const {
    return judged_ + code * stride_;
  }
  [[nodiscard]] bool LeftIsHeavier() const {
    return rule_.Weight(left_.data(), classes_) >= rule_.Weight(right_.data(), classes_);
  }

  const BinnedData& data_;
  const ImpurityRule& rule_;
  const std::int64_t min_rows_;
  const std::size_t stride_;
  std::vector<std::int64_t> cells_;       // by bin; zero between calls
  const std::int64_t* judged_ = nullptr;  // the cells that Judge looks at
  std::vector<std::uint8_t> present_;     // bins with rows, without the missing one
  std::optional<std::uint8_t> missing_;   // its code, if rows miss the feature
  std::vector<std::int64_t> left_;
  std::vector<std::int64_t> right_;
  std::vector<std::int64_t> missing_sum_;
  std::vector<std::uint32_t> classes_;  // of the node, if they are few; else empty
  Between between_;
  OrderedCodes ordered_;
};

template <typename Sample>
void SplitFinder::Count(std::span<const Sample> samples, std::uint32_t feature,
                        std::int64_t* cells) const {
  const std::uint8_t* column = data_.column(feature).data();
  const std::size_t count_at = stride_ - 1;
  for (const Sample& sample : samples) {
    std::int64_t* cell = cells + column[sample.row] * stride_;
    sample.AddTo(cell);
    ++cell[count_at];
  }
}

template <typename Sample>
bool SplitFinder::Try(std::span<const Sample> samples, const std::vector<std::int64_t>& total,
                      std::uint32_t feature, Split& best) {
  if (!Counts(feature) || (samples.size() < kOrderedRows && data_.features[feature].divided())) {
    return TryOrdered(samples, total, feature, best);
  }
  Count(samples, feature, cells_.data());
  const bool divides = Judge(cells_.data(), samples, total, feature, best);
  for (const std::uint8_t code : present_) {
    std::fill_n(cells_.data() + code * stride_, stride_, std::int64_t{0});
  }
  if (missing_) std::fill_n(cells_.data() + *missing_ * stride_, stride_, std::int64_t{0});
  return divides;
}

template <typename Sample>
bool SplitFinder::Judge(const std::int64_t* cells, std::span<const Sample> samples,
                        const std::vector<std::int64_t>& total, std::uint32_t feature,
                        Split& best) {
  if (!Counts(feature)) return TryOrdered(samples, total, feature, best);
  FindPresent(cells, feature);
  if (data_.features[feature].divided() && present_.size() <= kFewBins) {
    return TryOrdered(samples, total, feature, best);
  }
  if (present_.size() + (missing_ ? 1U : 0U) < 2) return false;
  Scan(total, feature, false, best);
  if (missing_) Scan(total, feature, true, best);
  return true;
}

template <typename Sample>
bool SplitFinder::TryOrdered(std::span<const Sample> samples,
                             const std::vector<std::int64_t>& total, std::uint32_t feature,
                             Split& best) {
  const LevelCode* codes = data_.level_column(feature);
  const LevelCode missing_code = FeatureBins::FirstOf(data_.features[feature].missing_code());
  std::ranges::fill(missing_sum_, 0);
  ordered_.Clear();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const LevelCode code = codes[samples[i].row];
    if (code == missing_code) {
      samples[i].AddTo(missing_sum_.data());
      ++missing_sum_.back();
    } else {
      ordered_.Add(code, static_cast<std::uint32_t>(i));
    }
  }
  const bool missing = missing_sum_.back() > 0;
  if (ordered_.size() == 0 || (!missing && ordered_.Constant())) return false;
  ordered_.Sort();
  Split candidate;
  candidate.feature = feature;
  std::ranges::fill(left_, 0);
  right_ = total;
  ScanOrdered(samples, missing, true, candidate, best);
  if (!missing) return true;
  candidate.missing_left = true;
  StartWith(missing_sum_, total);
  ScanOrdered(samples, missing, true, candidate, best);
  return true;
}

template <typename Sample>
bool SplitFinder::MayHidePattern(std::span<const Sample> samples,
                                 const std::vector<std::int64_t>& total, std::uint32_t feature) {
  const LevelCode* codes = data_.level_column(feature);
  const std::size_t missing = data_.features[feature].missing_code();
  ordered_.Clear();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const LevelCode code = codes[samples[i].row];
    const std::size_t bin = code >> 8U;
    if (bin % kBinsPerRun >= kBinsOfRun || bin == missing) continue;
    ordered_.Add(code, static_cast<std::uint32_t>(i));
  }
  if (ordered_.size() < kSampledRowsMin) return true;
  ordered_.Sort();
  const std::size_t first = data_.classes > 0 ? 0 : 1;  // of a cell: what is predicted
  const std::size_t last = data_.classes > 0 ? data_.classes : 2;
  const auto weight_of = [&](const std::vector<std::int64_t>& cell) {
    return std::accumulate(cell.begin(), cell.begin() + static_cast<std::ptrdiff_t>(last - first),
                           std::int64_t{0});
  };
  const auto weight = static_cast<double>(weight_of(total));
  NeighbourAgreement neighbours(last - first);
  for (std::size_t k = 0; k < ordered_.size();) {
    const LevelCode code = ordered_.code(k);
    if (k > 0 && (ordered_.code(k - 1) >> 8U) / kBinsPerRun != (code >> 8U) / kBinsPerRun) {
      neighbours.Break();
    }
    std::ranges::fill(left_, 0);
    for (; k < ordered_.size() && ordered_.code(k) == code; ++k) {
      samples[ordered_.position(k)].AddTo(left_.data());
    }
    const double share = static_cast<double>(weight_of(left_)) / weight;
    for (std::size_t c = first; c < last; ++c) {
      neighbours.deviation()[c - first] =
          static_cast<double>(left_[c]) - share * static_cast<double>(total[c]);
    }
    neighbours.Next();
  }
  return neighbours.IsBeyond(kNoticeable);
}

template <typename Sample>
void SplitFinder::ScanOrdered(std::span<const Sample> samples, bool missing, bool open_end,
                              Split candidate, Split& best) {
  const FeatureBins& bins = data_.features[candidate.feature];
  for (std::size_t k = 0; k < ordered_.size();) {
    const LevelCode code = ordered_.code(k);
    for (; k < ordered_.size() && ordered_.code(k) == code; ++k) {
      const Sample& sample = samples[ordered_.position(k)];
      sample.AddTo(left_.data());
      sample.TakeFrom(right_.data());
      ++left_.back();
      --right_.back();
    }
    const bool last = k == ordered_.size();
    if (right_.back() < std::max<std::int64_t>(min_rows_, 1) || (last && !open_end)) return;
    if (left_.back() < min_rows_) continue;
    candidate.gain = rule_.Gain(left_.data(), right_.data(), classes_);
    if (!(candidate.gain > best.gain)) continue;
    best = candidate;
    best.code = code;
    // A feature that no row misses here: the larger side takes what is missing later.
    if (!missing) best.missing_left = LeftIsHeavier();
    best.threshold =
        last ? std::numeric_limits<double>::infinity() : bins.Threshold(code, ordered_.code(k));
  }
}

template <typename Sample>
void SplitFinder::Refine(std::span<const Sample> samples, const std::vector<std::int64_t>& total,
                         Split& best) {
  const std::uint8_t* bins = data_.column(best.feature).data();
  const LevelCode* codes = data_.level_column(best.feature);
  const std::uint8_t bin = between_.bin;
  const std::uint8_t next = between_.next.value_or(bin);
  ordered_.Clear();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::size_t row = samples[i].row;
    if (bins[row] != bin && bins[row] != next) continue;
    ordered_.Add(codes[row], static_cast<std::uint32_t>(i));
  }
  ordered_.Sort();
  Split candidate;
  candidate.feature = best.feature;
  candidate.missing_left = best.missing_left;
  StartWith(between_.before, total);
  best.gain = -1.0;  // the place between the bins is found again, with the rows' own values
  ScanOrdered(samples, between_.missing, !between_.next, candidate, best);
}

}  // namespace dml::learn
