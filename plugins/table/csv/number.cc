#include "plugins/table/csv/number.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>
#include <string>

namespace dml::table {

double number_internal::SlowDouble(const char* begin, const char* end) {
  double value = 0;
  fast_float::from_chars(begin, end, value);
  return value;
}

std::optional<std::int64_t> ParseInt64(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text, char decimal) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::string rewritten;
  if (decimal != '.') {
    if (text.find('.') != std::string_view::npos) return std::nullopt;
    rewritten = text;
    for (char& c : rewritten) c = c == decimal ? '.' : c;
    text = rewritten;
  }
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = fast_float::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end || std::isnan(value)) return std::nullopt;
  return value;
}

bool Overflows(std::string_view text, double value) {
  return std::isinf(value) && text.find_first_of("0123456789") != std::string_view::npos;
}

bool IsRoundedWhole(std::string_view text) {
  constexpr std::size_t kExactDigits = 15;  // every number of so many digits is below 2^53
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() <= kExactDigits) return false;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const auto exact = ParseInt64(text);
  if (!exact) return true;
  const auto rounded = static_cast<double>(*exact);
  return rounded >= 0x1p63 || static_cast<std::int64_t>(rounded) != *exact;
}

}  // namespace dml::table
