#include "plugins/learn/tree/split_finder.h"

#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace dml::learn {

ImpurityRule::ImpurityRule(const BinnedData& data, SplitCriterion criterion,
                           std::vector<double> class_weights)
    : criterion_(criterion),
      class_weights_(std::move(class_weights)),
      width_(data.classes > 0 ? data.classes : 2),
      weight_scale_(data.weight_scale),
      value_scale_(data.value_scale),
      origin_(data.origin) {
  if (class_weights_.empty()) class_weights_.assign(width_, 1.0);
  for (double& weight : class_weights_) weight /= weight_scale_;
}

double ImpurityRule::Weight(const std::int64_t* cell, SomeClasses classes) const {
  if (criterion_ == SplitCriterion::kSquaredError) {
    return static_cast<double>(cell[0]) / weight_scale_;
  }
  double sum = 0.0;
  ForEachOf(classes,
            [&](std::size_t c) { sum += class_weights_[c] * static_cast<double>(cell[c]); });
  return sum;
}

double ImpurityRule::WeightedEntropy(const std::int64_t* cell, const std::int64_t* other,
                                     SomeClasses classes) const {
  const auto weight_of = [&](std::size_t c) {
    return class_weights_[c] * static_cast<double>(cell[c] + (other != nullptr ? other[c] : 0));
  };
  double total = 0.0;
  ForEachOf(classes, [&](std::size_t c) { total += weight_of(c); });
  double bits = 0.0;
  ForEachOf(classes, [&](std::size_t c) {
    const double weight = weight_of(c);
    if (weight > 0) bits -= weight * std::log2(weight / total);
  });
  return bits;
}

double ImpurityRule::Gain(const std::int64_t* left, const std::int64_t* right,
                          SomeClasses classes) const {
  const double left_weight = Weight(left, classes);
  const double right_weight = Weight(right, classes);
  const double both = left_weight * right_weight / (left_weight + right_weight);
  switch (criterion_) {
    case SplitCriterion::kSquaredError: {
      const double apart =
          static_cast<double>(left[1]) / left_weight - static_cast<double>(right[1]) / right_weight;
      return both * (apart / value_scale_) * (apart / value_scale_);
    }
    case SplitCriterion::kGini: {
      double apart = 0.0;
      ForEachOf(classes, [&](std::size_t c) {
        const double d = class_weights_[c] * (static_cast<double>(left[c]) / left_weight -
                                              static_cast<double>(right[c]) / right_weight);
        apart += d * d;
      });
      return both * apart;
    }
    case SplitCriterion::kEntropy: {
      const double gain = WeightedEntropy(left, right, classes) -
                          WeightedEntropy(left, nullptr, classes) -
                          WeightedEntropy(right, nullptr, classes);
      return std::max(gain, 0.0);
    }
  }
  DML_UNREACHABLE("every criterion is handled");
}

// In a node of n rows a place to split that means nothing explains a share of the impurity that is
// chi-square distributed over n, and the best of many places about 2 log(places) over n. Where
// weights differ, as many equal ones stand for the rows as say as little.
double ImpurityRule::ChanceOf(const std::vector<std::int64_t>& total, double squares,
                              double scatter, std::size_t places) const {
  constexpr double kOneNodeIn = 20.0;
  const double weight = Weight(total.data());
  const double row_weight = squares / weight;  // of the equal ones
  const double t = std::log(kOneNodeIn * static_cast<double>(places));
  if (criterion_ == SplitCriterion::kEntropy) {
    // Bits are chi-square too, with a degree of freedom per class but one; its tail is bounded as
    // in Laurent and Massart, "Adaptive estimation of a quadratic functional" (2000).
    const auto free = static_cast<double>(width_ - 1);
    return row_weight * (free + 2.0 * std::sqrt(free * t) + 2.0 * t) / (2.0 * std::log(2.0));
  }
  if (criterion_ == SplitCriterion::kGini) {
    scatter = weight;
    for (std::size_t c = 0; c < width_; ++c) {
      const double of_class = class_weights_[c] * static_cast<double>(total[c]);
      scatter -= of_class * of_class / weight;
    }
  }
  return 2.0 * t * scatter * row_weight / weight;
}

void ImpurityRule::LeafValue(const std::int64_t* cell, double* out) const {
  if (criterion_ == SplitCriterion::kSquaredError) {
    out[0] = origin_ + static_cast<double>(cell[1]) / Weight(cell) / value_scale_;
    return;
  }
  const double total = Weight(cell);
  for (std::size_t c = 0; c < width_; ++c) {
    out[c] = class_weights_[c] * static_cast<double>(cell[c]) / total;
  }
}

SplitFinder::SplitFinder(const BinnedData& data, const ImpurityRule& rule, int min_samples_leaf)
    : data_(data),
      rule_(rule),
      min_rows_(min_samples_leaf),
      stride_(rule.width() + 1),
      cells_(kCodes * stride_, 0),
      left_(stride_),
      right_(stride_),
      missing_sum_(stride_) {}

void SplitFinder::LookAt(const std::vector<std::int64_t>& total) {
  constexpr std::size_t kManyClasses = 16;
  classes_.clear();
  if (data_.classes <= kManyClasses) return;
  for (std::size_t c = 0; c < data_.classes; ++c) {
    if (total[c] != 0) classes_.push_back(static_cast<std::uint32_t>(c));
  }
  if (classes_.size() > data_.classes / 2) classes_.clear();
}

void SplitFinder::FindPresent(const std::int64_t* cells, std::uint32_t feature) {
  judged_ = cells;
  present_.clear();
  missing_.reset();
  const FeatureBins& bins = data_.features[feature];
  const std::uint8_t missing_code = bins.missing_code();
  for (std::size_t code = 0; code <= bins.count(); ++code) {
    if (cells[code * stride_ + stride_ - 1] == 0) continue;
    if (code == missing_code) {
      missing_ = missing_code;
    } else {
      present_.push_back(static_cast<std::uint8_t>(code));
    }
  }
}

void SplitFinder::StartWith(const std::vector<std::int64_t>& left,
                            const std::vector<std::int64_t>& total) {
  left_ = left;
  for (std::size_t k = 0; k < stride_; ++k) right_[k] = total[k] - left[k];
}

void SplitFinder::Scan(const std::vector<std::int64_t>& total, std::uint32_t feature,
                       bool missing_left, Split& best) {
  std::ranges::fill(left_, 0);
  right_ = total;
  const auto move_left = [&](std::size_t code) {
    const std::int64_t* cell = CellOf(code);
    const auto move = [&](std::size_t k) {
      left_[k] += cell[k];
      right_[k] -= cell[k];
    };
    if (classes_.empty()) {
      for (std::size_t k = 0; k < stride_; ++k) move(k);
    } else {
      for (const std::uint32_t c : classes_) move(c);
      move(stride_ - 1);
    }
  };
  if (missing_left) move_left(*missing_);
  for (std::size_t position = 0; position < present_.size(); ++position) {
    move_left(present_[position]);
    if (right_.back() < std::max<std::int64_t>(min_rows_, 1)) return;
    if (left_.back() >= min_rows_) Consider(feature, position, missing_left, best);
  }
}

void SplitFinder::Consider(std::uint32_t feature, std::size_t position, bool missing_left,
                           Split& best) {
  const double gain = rule_.Gain(left_.data(), right_.data(), classes_);
  if (!(gain > best.gain)) return;
  const FeatureBins& bins = data_.features[feature];
  const std::uint8_t bin = present_[position];
  best.gain = gain;
  best.feature = feature;
  best.code = bins.LastOf(bin);
  best.between_bins = bins.divided();
  // A feature that no row misses here: the larger side takes what is missing later.
  best.missing_left = missing_ ? missing_left : LeftIsHeavier();
  const bool last = position + 1 == present_.size();
  best.threshold = last ? std::numeric_limits<double>::infinity()
                        : bins.Threshold(best.code, bins.FirstOf(present_[position + 1]));
  if (!best.between_bins) return;
  between_.before = left_;
  for (std::size_t k = 0; k < stride_; ++k) between_.before[k] -= CellOf(bin)[k];
  between_.bin = bin;
  between_.next.reset();
  if (!last) between_.next = present_[position + 1];
  between_.missing = missing_.has_value();
}

}  // namespace dml::learn
