#include "plugins/learn/tree/ordered_codes.h"

#include <algorithm>
#include <array>

namespace dml::learn {

void OrderedCodes::Sort() {
  constexpr std::size_t kDistributedMin = 96;
  if (keys_.size() < kDistributedMin) {
    std::ranges::sort(keys_);
    return;
  }
  Distribute(32);
  Distribute(40);
}

bool OrderedCodes::Constant() const {
  return std::ranges::all_of(keys_,
                             [&](std::uint64_t key) { return key >> 32U == keys_.front() >> 32U; });
}

// One pass of a radix sort by the byte at `shift`, which keeps the order of equal bytes.
void OrderedCodes::Distribute(unsigned shift) {
  std::array<std::uint32_t, 257> begin{};
  for (const std::uint64_t key : keys_) ++begin[(key >> shift & 0xFFU) + 1];
  for (std::size_t byte = 1; byte < begin.size(); ++byte) begin[byte] += begin[byte - 1];
  spare_.resize(keys_.size());
  for (const std::uint64_t key : keys_) spare_[begin[key >> shift & 0xFFU]++] = key;
  keys_.swap(spare_);
}

}  // namespace dml::learn
