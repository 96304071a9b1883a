#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "base/check.h"
#include "base/result.h"

namespace dml::learn {

// Bytes to work in, zero at first: in memory up to a limit, else in an unnamed file in a scratch
// folder, mapped, so that the system writes out what it has no room for. Movable; not copied.
class ScratchMemory {
 public:
  // Room for `bytes`, all of it at once, so that a full disk is an error here and not later.
  // Without a folder it is in memory whatever its size.
  static Result<ScratchMemory> Make(std::uint64_t bytes, std::uint64_t memory_max,
                                    const std::string& folder);
  ScratchMemory() = default;
  ScratchMemory(ScratchMemory&& other) noexcept;
  ScratchMemory& operator=(ScratchMemory&& other) noexcept;
  ~ScratchMemory();

  [[nodiscard]] bool in_file() const { return in_file_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }
  // The next `count` values, behind those that were taken before; they must fit.
  template <typename T>
  [[nodiscard]] std::span<T> Take(std::size_t count) {
    static_assert(std::is_arithmetic_v<T> || std::is_same_v<T, std::byte>);
    T* const begin = reinterpret_cast<T*>(data_ + taken_);
    taken_ += count * sizeof(T);
    DML_CHECK(taken_ <= size_, "no more is taken than there is");
    return {begin, count};
  }

 private:
  std::byte* data_ = nullptr;  // a mapping
  std::size_t size_ = 0;
  std::size_t taken_ = 0;
  bool in_file_ = false;
};

}  // namespace dml::learn
