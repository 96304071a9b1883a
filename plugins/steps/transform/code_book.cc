#include "plugins/steps/transform/code_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "plugins/steps/transform/numbers.h"

namespace dml::steps {

namespace {

constexpr std::uint64_t kNearMax = 1U << 16;
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

// The integer that is written exactly like this: not "01", "+1" or "-0".
std::optional<std::int64_t> AsInteger(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (fmt::format_int(value).size() != text.size()) return std::nullopt;
  return value == 0 && text != "0" ? std::nullopt : std::optional(value);
}

}  // namespace

CodeBook::CodeBook(std::vector<std::string> values) : values_(std::move(values)) {
  std::vector<std::pair<std::int64_t, std::int32_t>> integers;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto number = static_cast<std::int32_t>(i);
    by_text_.emplace(values_[i], number);
    if (const auto value = AsInteger(values_[i])) integers.emplace_back(*value, number);
  }
  if (integers.empty()) return;
  const auto [first, last] = std::ranges::minmax_element(integers);
  const auto span =
      static_cast<std::uint64_t>(last->first) - static_cast<std::uint64_t>(first->first);
  if (span >= kNearMax) {
    far_.insert(integers.begin(), integers.end());
    return;
  }
  least_ = first->first;
  near_.assign(span + 1, kUnknown);
  for (const auto& [value, number] : integers) {
    near_[static_cast<std::size_t>(value - least_)] = number;
  }
}

std::int32_t CodeBook::Find(std::string_view text) const {
  const auto found = by_text_.find(text);
  return found == by_text_.end() ? kUnknown : found->second;
}

std::int32_t CodeBook::FindInteger(std::int64_t value) const {
  const auto offset = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(least_);
  if (offset < near_.size()) return near_[offset];
  if (far_.empty()) return kUnknown;
  const auto found = far_.find(value);
  return found == far_.end() ? kUnknown : found->second;
}

void CodeBook::EncodeCategory(const table::Column& column, std::vector<std::int32_t>& out) const {
  constexpr std::int32_t kNotLookedUp = -3;
  const table::Dictionary& dictionary = column.dictionary();
  std::vector<std::int32_t> numbers(dictionary.size(), kNotLookedUp);
  const auto codes = column.codes();
  for (std::size_t row = 0; row < out.size(); ++row) {
    if (codes[row] < 0) continue;
    const auto code = static_cast<std::size_t>(codes[row]);
    if (numbers[code] == kNotLookedUp) numbers[code] = Find(dictionary[code]);
    out[row] = numbers[code];
  }
}

void CodeBook::EncodeFloats(const table::Column& column, std::vector<std::int32_t>& out) const {
  const Numbers values(column);
  for (std::size_t row = 0; row < out.size(); ++row) {
    const double value = values[row];
    if (std::isnan(value)) continue;
    const bool whole = std::abs(value) < kExactIntegers && value == std::trunc(value);
    out[row] = whole ? FindInteger(static_cast<std::int64_t>(value)) : Find(column.AsText(row));
  }
}

std::vector<std::int32_t> CodeBook::Encode(const table::Column& column) const {
  using table::ColumnType;
  std::vector<std::int32_t> out(column.size(), kMissing);
  switch (column.type()) {
    case ColumnType::kCategory:
      EncodeCategory(column, out);
      break;
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      EncodeFloats(column, out);
      break;
    case ColumnType::kInt64: {
      const auto values = column.int64();
      for (std::size_t row = 0; row < out.size(); ++row) {
        if (column.IsValid(row)) out[row] = FindInteger(values[row]);
      }
      break;
    }
    case ColumnType::kBool: {
      const std::int32_t numbers[] = {Find("false"), Find("true")};
      const auto values = column.bools();
      for (std::size_t row = 0; row < out.size(); ++row) {
        if (column.IsValid(row)) out[row] = numbers[values[row] != 0 ? 1 : 0];
      }
      break;
    }
    case ColumnType::kString:
    case ColumnType::kTimestamp:
      for (std::size_t row = 0; row < out.size(); ++row) {
        if (column.IsValid(row)) {
          out[row] =
              Find(column.type() == ColumnType::kString ? column.string(row)
                                                        : std::string_view(column.AsText(row)));
        }
      }
      break;
    case ColumnType::kSparse:
      DML_UNREACHABLE("a sparse column has no values to find");
  }
  return out;
}

}  // namespace dml::steps
