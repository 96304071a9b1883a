#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "plugins/learn/tree/split_finder.h"

namespace dml::learn {

// The cells of all features of one node. What a node's children count adds up to what it counts,
// and integers subtract exactly: only the smaller child has to be counted.
class NodeHistograms {
 public:
  using Cells = std::unique_ptr<std::vector<std::int64_t>>;

  // Keeps cells of at most `bytes_max` alive; beyond that nodes go without.
  NodeHistograms(const BinnedData& data, std::size_t stride, std::size_t bytes_max)
      : stride_(stride) {
    for (const FeatureBins& bins : data.features) {
      first_.push_back(size_);
      size_ += (bins.count() + 1) * stride_;
    }
    most_ = bytes_max / (sizeof(std::int64_t) * std::max<std::size_t>(size_, 1));
  }

  // Zeros, or null where the memory is spent.
  [[nodiscard]] Cells Make() {
    if (alive_ >= most_) return nullptr;
    ++alive_;
    return std::make_unique<std::vector<std::int64_t>>(size_, 0);
  }
  // Frees them. Null is allowed.
  void Drop(Cells& cells) {
    if (cells != nullptr) --alive_;
    cells.reset();
  }
  // What is left of the parent without one child.
  static void Subtract(std::vector<std::int64_t>& parent, const std::vector<std::int64_t>& child) {
    for (std::size_t i = 0; i < parent.size(); ++i) parent[i] -= child[i];
  }
  [[nodiscard]] std::int64_t* Of(std::uint32_t feature, std::vector<std::int64_t>& cells) const {
    return cells.data() + first_[feature];
  }

 private:
  const std::size_t stride_;
  std::vector<std::size_t> first_;  // of each feature
  std::size_t size_ = 0;
  std::size_t most_ = 0;
  std::size_t alive_ = 0;
};

}  // namespace dml::learn
