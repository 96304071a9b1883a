#include "plugins/table/validity.h"

#include <bit>

namespace dml::table {

std::vector<std::uint8_t> FullBitmap(std::size_t rows) {
  std::vector<std::uint8_t> bits(BitmapBytes(rows), 0xFF);
  if (rows % 8 != 0) bits.back() = static_cast<std::uint8_t>((1U << (rows % 8)) - 1);
  return bits;
}

std::vector<std::uint8_t> SliceBitmap(std::span<const std::uint8_t> bits, std::size_t begin,
                                      std::size_t end) {
  std::vector<std::uint8_t> out = FullBitmap(end - begin);
  const std::size_t first = begin >> 3;
  const unsigned shift = begin & 7;
  for (std::size_t i = 0; i < out.size(); ++i) {
    unsigned byte = static_cast<unsigned>(bits[first + i]) >> shift;
    if (shift != 0 && first + i + 1 < bits.size()) {
      byte |= static_cast<unsigned>(bits[first + i + 1]) << (8 - shift);
    }
    out[i] = static_cast<std::uint8_t>(out[i] & byte);
  }
  return out;
}

std::size_t CountZeros(std::span<const std::uint8_t> bits, std::size_t rows) {
  std::size_t ones = 0;
  for (std::size_t i = 0; i < rows / 8; ++i)
    ones += static_cast<std::size_t>(std::popcount(bits[i]));
  for (std::size_t row = rows & ~std::size_t{7}; row < rows; ++row) ones += TestBit(bits, row);
  return rows - ones;
}

}  // namespace dml::table
