#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace dml::table {

// Numbers distinct strings in order of first appearance: 0, 1, 2, ... Open addressing over one
// byte arena, because this is the inner loop of reading text columns. Not thread-safe.
class Interner {
 public:
  Interner();

  // The number of `text`, new or old.
  std::int32_t Intern(std::string_view text);
  [[nodiscard]] std::size_t size() const { return offsets_.size() - 1; }
  [[nodiscard]] std::string_view at(std::size_t index) const {
    return {bytes_.data() + offsets_[index], offsets_[index + 1] - offsets_[index]};
  }
  void Clear();

  // Positions such that at(order[0]) < at(order[1]) < ..., bytewise.
  [[nodiscard]] std::vector<std::int32_t> SortedOrder() const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t index = -1;
  };

  void Grow();

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<char> bytes_;
  std::vector<std::size_t> offsets_{0};
};

}  // namespace dml::table
