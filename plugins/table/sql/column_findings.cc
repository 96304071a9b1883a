#include "plugins/table/sql/column_findings.h"

#include <fmt/format.h>

#include <cmath>

#include "plugins/table/civil_time.h"
#include "plugins/table/csv/csv.h"

namespace dml::sql {

namespace {

using table::ColumnType;

constexpr std::int64_t kExactMax = std::int64_t{1} << 53;

bool IsWhole(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  return value >= -kLimit && value < kLimit && std::trunc(value) == value;
}

void KeepExample(std::string& example, const Cell& cell) {
  if (example.empty()) example = ShowCell(cell);
}
void KeepOther(std::string& example, const std::string& other) {
  if (example.empty()) example = other;
}

}  // namespace

void ColumnFindings::Count(std::string_view text) {
  if (many_) return;
  texts_seen_.Intern(text);
  many_ = texts_seen_.size() > table::kCategoriesMax;
  if (many_) texts_seen_.Clear();
}

void ColumnFindings::SeeText(std::string_view text) {
  ++texts_;
  Count(text);
  if (!times_ || table::ParseIsoTimestamp(text)) return;
  times_ = false;
  KeepExample(no_time_, {Cell::Kind::kText, 0, 0, text});
}

void ColumnFindings::See(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::kMissing:
      return;
    case Cell::Kind::kInteger:
      ++integers_;
      if (cell.integer > kExactMax || cell.integer < -kExactMax) exact_ = false;
      if (bits_ && cell.integer != 0 && cell.integer != 1) {
        bits_ = false;
        KeepExample(no_bit_, cell);
      }
      return KeepExample(a_number_, cell);
    case Cell::Kind::kReal:
      ++reals_;
      if (whole_ && !IsWhole(cell.real)) {
        whole_ = false;
        KeepExample(no_whole_, cell);
      }
      if (bits_ && cell.real != 0 && cell.real != 1) {
        bits_ = false;
        KeepExample(no_bit_, cell);
      }
      return KeepExample(a_number_, cell);
    case Cell::Kind::kText:
      KeepExample(a_text_, cell);
      return SeeText(cell.text);
    case Cell::Kind::kBlob:
      return;  // refused where it would be stored
  }
}

void ColumnFindings::Merge(const ColumnFindings& other) {
  integers_ += other.integers_;
  reals_ += other.reals_;
  texts_ += other.texts_;
  bits_ = bits_ && other.bits_;
  whole_ = whole_ && other.whole_;
  exact_ = exact_ && other.exact_;
  times_ = times_ && other.times_;
  if (other.many_) {
    many_ = true;
    texts_seen_.Clear();
  }
  for (std::size_t i = 0; !other.many_ && i < other.texts_seen_.size(); ++i) {
    Count(other.texts_seen_.at(i));
  }
  KeepOther(a_number_, other.a_number_);
  KeepOther(a_text_, other.a_text_);
  KeepOther(no_bit_, other.no_bit_);
  KeepOther(no_whole_, other.no_whole_);
  KeepOther(no_time_, other.no_time_);
}

bool ColumnFindings::Fits(ColumnType type, bool insists) const {
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      return texts_ == 0 && (insists || exact_);
    case ColumnType::kInt64:
      return texts_ == 0 && (reals_ == 0 || (whole_ && exact_));
    case ColumnType::kBool:
      return texts_ == 0 && bits_;
    case ColumnType::kTimestamp:
      return integers_ + reals_ == 0 && times_;
    case ColumnType::kCategory:
    case ColumnType::kString:
      return integers_ + reals_ == 0;
    case ColumnType::kSparse:
      return false;
  }
  return false;
}

Result<ColumnType> ColumnFindings::Infer(const ResultColumn& column) const {
  if (integers_ + reals_ > 0 && texts_ > 0) {
    return Error::Invalid(
        fmt::format("column '{}' holds numbers and texts, such as {} and {}", column.name,
                    a_number_, a_text_),
        "CAST(... AS TEXT) makes texts of all of them, CAST(... AS REAL) numbers");
  }
  if (reals_ > 0) {
    if (integers_ == 0 || exact_) return ColumnType::kFloat64;
    return Error::Invalid(
        fmt::format("column '{}' holds decimals and also whole numbers beyond 2^53, which do not "
                    "fit a decimal without loss",
                    column.name),
        "CAST(... AS REAL) accepts the loss");
  }
  if (integers_ > 0) return ColumnType::kInt64;
  if (texts_ == 0) return ColumnType::kFloat64;
  if (times_) return ColumnType::kTimestamp;
  const bool few = !many_ && table::AreCategories(texts_seen_.size(), texts_);
  return few ? ColumnType::kCategory : ColumnType::kString;
}

Result<ColumnType> ColumnFindings::Decide(const ResultColumn& column) const {
  if (!column.type) return Infer(column);
  if (Fits(*column.type, column.insists)) return *column.type;
  if (!column.insists) return Infer(column);
  const ColumnType type = *column.type;
  const std::string& example = type == ColumnType::kTimestamp
                                   ? (a_number_.empty() ? no_time_ : a_number_)
                               : !a_text_.empty()          ? a_text_
                               : type == ColumnType::kBool ? no_bit_
                                                           : no_whole_;
  return Error::Invalid(fmt::format("column '{}' holds {}, which is not {}", column.name, example,
                                    table::ColumnTypeName(type)),
                        "leave its type out, or convert it in SQL");
}

}  // namespace dml::sql
