#include "plugins/table/sql/key_cells.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace dml::sql {

namespace {

using table::Column;
using table::ColumnType;

constexpr std::uint64_t kMissingHash = 0x5851F42D4C957F2DU;

std::uint64_t Mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9U;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

// The whole number that `value` is, if it is one of 64 bits.
bool IsWhole(double value, std::int64_t& whole) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return false;
  whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value;
}

enum class Class { kWhole, kReal, kText, kTime, kNone };

Class ClassOf(ColumnType type) {
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      return Class::kReal;
    case ColumnType::kInt64:
    case ColumnType::kBool:
      return Class::kWhole;
    case ColumnType::kTimestamp:
      return Class::kTime;
    case ColumnType::kCategory:
    case ColumnType::kString:
      return Class::kText;
    case ColumnType::kSparse:
      return Class::kNone;
  }
  return Class::kNone;
}

double RealAt(const Column& column, std::size_t row) {
  return column.type() == ColumnType::kFloat64 ? column.float64()[row]
                                               : static_cast<double>(column.float32()[row]);
}

std::int64_t WholeAt(const Column& column, std::size_t row) {
  return column.type() == ColumnType::kBool ? column.bools()[row] : column.int64()[row];
}

std::uint64_t HashAt(const Column& column, std::size_t row) {
  switch (ClassOf(column.type())) {
    case Class::kReal:
      return HashNumber(RealAt(column, row));
    case Class::kWhole:
    case Class::kTime:
      return HashInteger(WholeAt(column, row));
    case Class::kText:
      return HashText(column.string(row));
    case Class::kNone:
      break;
  }
  return kMissingHash;
}

}  // namespace

std::uint64_t HashInteger(std::int64_t value) { return Mix(static_cast<std::uint64_t>(value)); }

std::uint64_t HashNumber(double value) {
  std::int64_t whole = 0;
  if (IsWhole(value, whole)) return HashInteger(whole);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return Mix(bits);
}

std::uint64_t HashText(std::string_view text) {
  std::uint64_t hash = text.size();
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = CombineHash(hash, word);
    text.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, text.data(), text.size());
  return Mix(CombineHash(hash, rest));
}

void HashCells(const Column& column, std::span<std::uint64_t> hashes) {
  if (column.type() == ColumnType::kCategory) {
    std::vector<std::uint64_t> of_code;
    for (const std::string& value : column.dictionary()) of_code.push_back(HashText(value));
    const auto codes = column.codes();
    for (std::size_t row = 0; row < hashes.size(); ++row) {
      const std::int32_t code = codes[row];
      hashes[row] = CombineHash(hashes[row],
                                code < 0 ? kMissingHash : of_code[static_cast<std::size_t>(code)]);
    }
    return;
  }
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    hashes[row] =
        CombineHash(hashes[row], column.IsValid(row) ? HashAt(column, row) : kMissingHash);
  }
}

bool SameCell(const Column& a, std::size_t a_row, const Column& b, std::size_t b_row) {
  const bool present = a.IsValid(a_row);
  if (present != b.IsValid(b_row)) return false;
  if (!present) return true;
  const Class a_class = ClassOf(a.type());
  const Class b_class = ClassOf(b.type());
  if (a_class == Class::kText) return a.string(a_row) == b.string(b_row);
  if (a_class != Class::kReal && b_class != Class::kReal) {
    return WholeAt(a, a_row) == WholeAt(b, b_row);
  }
  if (a_class == b_class) return RealAt(a, a_row) == RealAt(b, b_row);
  std::int64_t whole = 0;
  const bool a_real = a_class == Class::kReal;
  return IsWhole(a_real ? RealAt(a, a_row) : RealAt(b, b_row), whole) &&
         whole == (a_real ? WholeAt(b, b_row) : WholeAt(a, a_row));
}

bool AreComparable(ColumnType a, ColumnType b) {
  const auto kind = [](ColumnType type) {
    const Class of = ClassOf(type);
    return of == Class::kWhole ? Class::kReal : of;
  };
  return kind(a) == kind(b) && kind(a) != Class::kNone;
}

}  // namespace dml::sql
