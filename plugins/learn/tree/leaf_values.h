#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// What leaves predict: a number each, or the probability of every class. Where there are many
// classes a leaf knows few of them, and only these are kept: no more than the leaf has rows, 12
// bytes each, so that the leaves of a tree need no more than its rows do, however many the classes.
class LeafValues {
 public:
  // Up to so many outputs a leaf keeps all of them.
  static constexpr std::size_t kAllKeptMax = 16;

  explicit LeafValues(std::size_t outputs = 1) : outputs_(outputs) {}

  [[nodiscard]] std::size_t size() const {
    return keeps_all() ? values_.size() / outputs_ : starts_.size() - 1;
  }
  [[nodiscard]] std::size_t bytes() const;

  // One more leaf, of `outputs` values.
  void Add(std::span<const double> values);
  // A leaf of others of the same number of outputs, or all of theirs.
  void Add(const LeafValues& others, std::size_t leaf);
  void Append(const LeafValues& others);
  // Adds the values of a leaf to `sums`.
  void AddTo(std::size_t leaf, double* sums) const {
    if (keeps_all()) {
      const double* const from = values_.data() + leaf * outputs_;
      for (std::size_t c = 0; c < outputs_; ++c) sums[c] += from[c];
      return;
    }
    const auto end = static_cast<std::size_t>(starts_[leaf + 1]);
    for (auto i = static_cast<std::size_t>(starts_[leaf]); i < end; ++i) {
      sums[classes_[i]] += values_[i];
    }
  }

  // As tensors of a model file: "leaf_values", leaves x outputs; or the kept ones, their classes in
  // "leaf_classes", and in "leaf_starts" where each leaf begins.
  void Save(std::vector<OwnedTensor>& tensors) const;
  // Also of a file that keeps all values of many classes. kInvalid if it is damaged.
  static Result<LeafValues> Load(std::size_t outputs, const TensorFile& file);

  bool operator==(const LeafValues&) const = default;

 private:
  [[nodiscard]] bool keeps_all() const { return outputs_ <= kAllKeptMax; }

  std::size_t outputs_;
  std::vector<double> values_;
  // Of the kept values where not all are; else as they are here.
  std::vector<std::uint32_t> classes_;
  std::vector<std::int64_t> starts_{0};  // of each leaf, and the end
};

}  // namespace dml::learn
