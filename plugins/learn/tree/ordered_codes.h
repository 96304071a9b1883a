#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plugins/learn/tree/feature_bins.h"

namespace dml::learn {

// Positions in a list of samples, put in the order of their codes; of equal codes, as they came.
// Scratch memory, reused: one per thread.
class OrderedCodes {
 public:
  void Clear() { keys_.clear(); }
  void Add(LevelCode code, std::uint32_t position) {
    keys_.push_back(std::uint64_t{code} << 32U | position);
  }
  void Sort();

  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] LevelCode code(std::size_t k) const {
    return static_cast<LevelCode>(keys_[k] >> 32U);
  }
  [[nodiscard]] std::uint32_t position(std::size_t k) const {
    return static_cast<std::uint32_t>(keys_[k]);
  }
  // Whether all codes are equal, in any order.
  [[nodiscard]] bool Constant() const;

 private:
  void Distribute(unsigned shift);

  std::vector<std::uint64_t> keys_;
  std::vector<std::uint64_t> spare_;
};

}  // namespace dml::learn
