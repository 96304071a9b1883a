#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace dml::table {

// Numbers from text. The two Eat functions are the inner loop of the CSV reader: they read at most
// 8 bytes past the last digit, so the text must be followed by that many readable bytes.

namespace number_internal {

inline constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
inline constexpr std::uint64_t kExactMax = std::uint64_t{1} << 53;

inline std::uint64_t LoadWord(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Whether all eight bytes are digits: adding 0x46 sets the high bit above '9', subtracting 0x30
// borrows below '0'.
inline bool EightDigits(std::uint64_t word) {
  return (((word + 0x4646464646464646) | (word - 0x3030303030303030)) & 0x8080808080808080) == 0;
}

// The value of eight digits, most significant in the lowest byte: pairs, then quads, then all.
inline std::uint64_t EightDigitValue(std::uint64_t word) {
  word -= 0x3030303030303030;
  word = word * 10 + (word >> 8);
  return ((word & 0x000000FF000000FF) * 0x000F424000000064 +
          ((word >> 16) & 0x000000FF000000FF) * 0x0000271000000001) >>
         32;
}

inline const char* EatDigits(const char* at, std::uint64_t& value) {
  for (std::uint64_t word = LoadWord(at); EightDigits(word); word = LoadWord(at)) {
    value = value * 100'000'000 + EightDigitValue(word);
    at += 8;
  }
  for (unsigned digit = static_cast<unsigned char>(*at) - '0'; digit < 10;
       digit = static_cast<unsigned char>(*at) - '0') {
    value = value * 10 + digit;
    ++at;
  }
  return at;
}

// Correctly rounded value of the number that is exactly [begin, end).
double SlowDouble(const char* begin, const char* end);

}  // namespace number_internal

// A decimal integer of at most 18 digits at `at`; advances past it. False, with `at` unmoved, for
// anything else: other shapes and leading zeros are left to ParseInt64.
inline bool EatInt64(const char*& at, std::int64_t& value) {
  const bool negative = *at == '-';
  const char* first = at + (negative ? 1 : 0);
  std::uint64_t digits = 0;
  const char* end = number_internal::EatDigits(first, digits);
  const auto count = end - first;
  if (count == 0 || count > 18 || (*first == '0' && count > 1)) return false;
  value = negative ? -static_cast<std::int64_t>(digits) : static_cast<std::int64_t>(digits);
  at = end;
  return true;
}

// A plain decimal number of at most 19 digits, such as -12.5, correctly rounded. Up to 2^53 and
// 10^22 one division is exact (W. D. Clinger, "How to read floating point numbers accurately").
inline bool EatDouble(const char*& at, double& value) {
  const bool negative = *at == '-';
  const char* first = at + (negative ? 1 : 0);
  std::uint64_t digits = 0;
  const char* end = number_internal::EatDigits(first, digits);
  if (end == first || (*first == '0' && end - first > 1)) return false;
  std::ptrdiff_t count = end - first;
  std::ptrdiff_t decimals = 0;
  if (*end == '.') {
    const char* fraction = end + 1;
    end = number_internal::EatDigits(fraction, digits);
    decimals = end - fraction;
    count += decimals;
  }
  if (count > 19 || (*end | 0x20) == 'e') return false;
  if (digits <= number_internal::kExactMax) {
    const double magnitude = static_cast<double>(digits) / number_internal::kPowersOfTen[decimals];
    value = negative ? -magnitude : magnitude;
  } else {
    value = number_internal::SlowDouble(at, end);
  }
  at = end;
  return true;
}

// The whole of `text` as a number, or nothing. An optional sign; no spaces.
[[nodiscard]] std::optional<std::int64_t> ParseInt64(std::string_view text);
// Decimal or scientific notation, inf, infinity; correctly rounded; not NaN. `decimal` is the
// decimal mark.
[[nodiscard]] std::optional<double> ParseDouble(std::string_view text, char decimal = '.');
// Whether `value`, read from `text`, is infinite although digits were written: float64 (or what
// else `value` was rounded to) cannot hold the number.
[[nodiscard]] bool Overflows(std::string_view text, double value);
// Whether `text` is a whole number in plain digits that float64 can only hold rounded.
[[nodiscard]] bool IsRoundedWhole(std::string_view text);

}  // namespace dml::table
