#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plugins/learn/tree/binned_data.h"
#include "plugins/learn/tree/tree_options.h"

namespace dml::learn {

// A row of a node with what it adds to a sum. A "cell" is such a sum: classification has one
// integer per class; regression the weight and the weighted target; both then the number of rows.
struct ClassSample {
  std::uint32_t row = 0;
  std::uint32_t label = 0;
  std::int64_t weight = 0;

  void AddTo(std::int64_t* cell) const { cell[label] += weight; }
};

struct ValueSample {
  std::uint32_t row = 0;
  std::int64_t weight = 0;
  std::int64_t value = 0;

  void AddTo(std::int64_t* cell) const {
    cell[0] += weight;
    cell[1] += value;
  }
};

struct Split {
  double gain = -1.0;  // weight x decrease of the impurity
  std::uint32_t feature = 0;
  std::uint8_t bin = 0;  // codes up to this one go left
  bool missing_left = false;
  double threshold = 0.0;
};

// Judges a division of a node's sum into two; all figures follow from exact integers.
class ImpurityRule {
 public:
  ImpurityRule(const BinnedData& data, SplitCriterion criterion, std::vector<double> class_weights);

  // Integers in a cell without the row count, which is at this index.
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] double Weight(const std::int64_t* cell) const;
  // weight x (impurity before - impurity after). Gini and squared error are computed from the
  // difference of the two sides' means, which does not cancel.
  [[nodiscard]] double Gain(const std::int64_t* left, const std::int64_t* right) const;
  // Class probabilities, or the mean target.
  void LeafValue(const std::int64_t* cell, double* out) const;

 private:
  [[nodiscard]] double WeightedEntropy(const std::int64_t* cell) const;

  SplitCriterion criterion_;
  std::vector<double> class_weights_;
  std::size_t width_;
  double weight_scale_;
  double value_scale_;
  double origin_;
};

// Finds the best threshold of one feature for one node. Scratch memory, reused: one per thread.
class SplitFinder {
 public:
  SplitFinder(const BinnedData& data, const ImpurityRule& rule, int min_samples_leaf);

  // Improves `best` if the feature divides the samples better; an equal gain does not replace it.
  // False if the feature is the same in all of them.
  template <typename Sample>
  bool Try(std::span<const Sample> samples, const std::vector<std::int64_t>& total,
           std::uint32_t feature, Split& best);
  // The same for samples that are counted already: a cell per code of the feature.
  bool Judge(const std::int64_t* cells, const std::vector<std::int64_t>& total,
             std::uint32_t feature, Split& best);
  // Adds the samples to the cells of their codes, stride() integers each.
  template <typename Sample>
  void Count(std::span<const Sample> samples, std::uint32_t feature, std::int64_t* cells) const;
  [[nodiscard]] std::size_t stride() const { return stride_; }

 private:
  static constexpr std::size_t kCodes = 256;

  void Scan(const std::vector<std::int64_t>& total, std::uint32_t feature, bool missing_left,
            Split& best);
  void Consider(std::uint32_t feature, std::size_t position, bool missing_left, Split& best);
  [[nodiscard]] const std::int64_t* CellOf(std::size_t code) const {
    return judged_ + code * stride_;
  }

  const BinnedData& data_;
  const ImpurityRule& rule_;
  const std::int64_t min_rows_;
  const std::size_t stride_;
  std::vector<std::int64_t> cells_;       // by code; zero between calls
  const std::int64_t* judged_ = nullptr;  // the cells that Judge looks at
  std::vector<std::uint8_t> present_;     // codes with rows, without the missing one
  std::optional<std::uint8_t> missing_;   // its code, if rows miss the feature
  std::vector<std::int64_t> left_;
  std::vector<std::int64_t> right_;
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
  Count(samples, feature, cells_.data());
  const bool divides = Judge(cells_.data(), total, feature, best);
  for (const std::uint8_t code : present_) {
    std::fill_n(cells_.data() + code * stride_, stride_, std::int64_t{0});
  }
  if (missing_) std::fill_n(cells_.data() + *missing_ * stride_, stride_, std::int64_t{0});
  return divides;
}

}  // namespace dml::learn
