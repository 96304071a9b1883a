#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "base/check.h"

namespace dml::learn {

// Statistics as bytes between ranks of one build (native layout, no version). A type takes part by
// listing its members: template <typename A> void Fields(A& archive) { archive(a); archive(b); }

class StatsWriter {
 public:
  template <typename T>
  void operator()(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Append(&value, sizeof(T));
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    (*this)(values.size());
    Append(values.data(), values.size() * sizeof(T));
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

 private:
  void Append(const void* data, std::size_t size) {
    if (size == 0) return;
    const auto* from = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }

  std::vector<std::byte> bytes_;
};

class StatsReader {
 public:
  explicit StatsReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  void operator()(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Take(&value, sizeof(T));
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    std::size_t size = 0;
    (*this)(size);
    values.resize(size);
    Take(values.data(), size * sizeof(T));
  }

 private:
  void Take(void* to, std::size_t size) {
    DML_CHECK(size <= bytes_.size(), "ranks of one gang run the same build");
    if (size != 0) std::memcpy(to, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
  }

  std::span<const std::byte> bytes_;
};

}  // namespace dml::learn
