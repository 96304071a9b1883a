#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dml::table {

// Validity bitmaps: one bit a row, least significant first, 1 = present. An empty bitmap means
// that every row is present; Normalized bitmaps have zero bits past the last row.

[[nodiscard]] inline std::size_t BitmapBytes(std::size_t rows) { return (rows + 7) / 8; }

[[nodiscard]] inline bool TestBit(std::span<const std::uint8_t> bits, std::size_t row) {
  return ((bits[row >> 3] >> (row & 7)) & 1) != 0;
}

inline void ClearBit(std::span<std::uint8_t> bits, std::size_t row) {
  bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] & ~(1U << (row & 7)));
}

// All present.
[[nodiscard]] std::vector<std::uint8_t> FullBitmap(std::size_t rows);

// Rows [begin, end) as a normalized bitmap of their own.
[[nodiscard]] std::vector<std::uint8_t> SliceBitmap(std::span<const std::uint8_t> bits,
                                                    std::size_t begin, std::size_t end);

// Zero bits among the first `rows`.
[[nodiscard]] std::size_t CountZeros(std::span<const std::uint8_t> bits, std::size_t rows);

}  // namespace dml::table
