#include "plugins/table/csv/record_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/counted.h"
#include "plugins/table/csv/number.h"

namespace dml::table {

namespace {

// A record that ends this close to the end of an incomplete text may have been cut: its last
// number, its closing quote, its CRLF, or a delimiter.
constexpr std::size_t kCutMargin = 16;
constexpr std::size_t kQuotedMax = 40;  // characters of a cell that a message repeats

std::string_view PlanName(const ColumnPlan& plan) { return ColumnTypeName(plan.Stored()); }

}  // namespace

std::string CellExcerpt(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kQuotedMax)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 32 || byte == 127 ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  while (!out.empty() && !IsUtf8(out)) out.pop_back();
  return text.size() > kQuotedMax ? out + "..." : out;
}

void RecordParser::Reset(const std::vector<ColumnPlan>& plans) {
  for (std::size_t i = 0; i < sinks_.size(); ++i) sinks_[i].Reset(plans[i], dialect_);
  rows_ = 0;
}

bool RecordParser::misfit() const { return std::ranges::any_of(sinks_, &ColumnSink::misfit); }

std::vector<ColumnPlan> RecordParser::Widened() const {
  std::vector<ColumnPlan> plans;
  for (const ColumnSink& sink : sinks_) plans.push_back(sink.Widened());
  return plans;
}

bool RecordParser::Fail(int column, std::string message, std::string hint) {
  problem_.row = rows_;
  problem_.column = column;
  problem_.message = std::move(message);
  problem_.hint = std::move(hint);
  return false;
}

const char* RecordParser::ParseCell(const char* at, const char* end, std::size_t column) {
  const int index = static_cast<int>(column);
  const Cell cell = ScanCell(at, end, dialect_, scratch_);
  if (cell.next >= safe_) {
    cut_ = true;
    return nullptr;
  }
  if (cell.error != ScanError::kNone) {
    const ScanComplaint complaint = ComplaintOf(cell.error);
    endless_ = cell.error == ScanError::kUnclosedQuote;
    Fail(index, std::string(complaint.message), std::string(complaint.hint));
    return nullptr;
  }
  if (cell.non_ascii && !IsUtf8(cell.text)) {
    Fail(index, "is not UTF-8", "set encoding: latin1, or convert the file to UTF-8");
    return nullptr;
  }
  ColumnSink& sink = sinks_[column];
  const std::string_view stripped = StripSpaces(cell.text);
  const bool text_column = sink.plan().type == CellType::kText;
  if (dialect_.IsNull(text_column ? cell.text : stripped)) {
    sink.PushMissing(rows_);
    return cell.next;
  }
  if (!sink.PushCell(text_column ? cell.text : stripped, dialect_)) {
    RefuseCell(index, cell.text, sink.plan());
    return nullptr;
  }
  return cell.next;
}

void RecordParser::RefuseCell(int column, std::string_view text, const ColumnPlan& plan) {
  const auto number = plan.type == CellType::kFloat64 || plan.type == CellType::kWhole
                          ? ParseDouble(StripSpaces(text), dialect_.decimal)
                          : std::nullopt;
  if (number) {
    Fail(column,
         fmt::format("holds '{}', which is too large for {}", CellExcerpt(text), PlanName(plan)),
         fmt::format("the largest is {}; scale the values down, list it in null_values, or declare "
                     "the column as string",
                     plan.float32 ? "3.40e38" : "1.79e308"));
    return;
  }
  const bool is_time = plan.type == CellType::kTimestamp;
  Fail(column, fmt::format("holds '{}', which is not {}", CellExcerpt(text), PlanName(plan)),
       is_time ? "mend the cell (a second has six decimals at most), list it in null_values, or "
                 "declare another type for the column"
               : "mend the cell, list it in null_values, or declare another type for the column");
}

void RecordParser::PadRecord(std::size_t found) {
  for (std::size_t column = found; column < sinks_.size(); ++column) {
    sinks_[column].PushMissing(rows_);
  }
}

bool RecordParser::FailLongRecord(const char* at, const char* end) {
  std::size_t found = sinks_.size();
  while (AtDelimiter(at, dialect_)) {
    const Cell cell = ScanCell(at + dialect_.delimiter.size(), end, dialect_, scratch_);
    at = cell.next;
    ++found;
    if (cell.error != ScanError::kNone) break;
  }
  cut_ = at >= safe_;
  return Fail(-1, fmt::format("has {} instead of {}", Counted(found, "field"), sinks_.size()),
              "quote fields that hold the delimiter, or check delimiter, quote and columns");
}

// The common case is decided by the number itself: it ends where the cell ends. Null if the cell
// is anything else.
inline const char* RecordParser::EatNumber(const char* at, const char* end,
                                           ColumnSink& sink) const {
  if (dialect_.trim) {
    while (*at == ' ') ++at;
  }
  const char* const begin = at;
  const auto whole = [&] {
    return (AtDelimiter(at, dialect_) || AtRecordEnd(at, end)) &&
           !(dialect_.numeric_nulls && dialect_.IsNull({begin, at}));
  };
  if (sink.takes_doubles()) {
    double value = 0;
    if (!EatDouble(at, value) || !whole()) return nullptr;
    sink.PushDouble(value, {begin, at});
    return at;
  }
  if (sink.takes_integers()) {
    std::int64_t value = 0;
    if (!EatInt64(at, value) || !whole()) return nullptr;
    sink.PushInt64(value);
    return at;
  }
  return nullptr;
}

const char* RecordParser::ParseRecord(const char* at, const char* end) {
  const std::size_t columns = sinks_.size();
  for (std::size_t column = 0;; ++column) {
    const char* next = EatNumber(at, end, sinks_[column]);
    at = next != nullptr ? next : ParseCell(at, end, column);
    if (at == nullptr) return nullptr;
    if (column + 1 == columns) break;
    if (AtDelimiter(at, dialect_)) {
      at += dialect_.delimiter.size();
      continue;
    }
    cut_ = at >= safe_;
    if (cut_) return nullptr;
    if (!dialect_.pad) {
      Fail(-1, fmt::format("has {} instead of {}", Counted(column + 1, "field"), columns),
           "complete it, or set ragged: pad to fill with missing values");
      return nullptr;
    }
    PadRecord(column + 1);
    return SkipLineBreak(at);
  }
  if (AtDelimiter(at, dialect_)) {
    FailLongRecord(at, end);
    return nullptr;
  }
  return SkipLineBreak(at);
}

RecordParser::Outcome RecordParser::StopAt(const char* text, const char* at, const char* seen,
                                           bool cut) {
  for (ColumnSink& sink : sinks_) sink.Truncate(rows_);
  const bool too_long = static_cast<std::size_t>(seen - at) > kRecordBytesMax;
  if (too_long && (cut || endless_)) {
    Fail(-1, "is longer than 64 MiB",
         "look for a quote that is never closed (quote: none makes it a plain character), or for "
         "missing line breaks");
    cut = false;
  }
  problem_.offset = static_cast<std::size_t>(at - text);
  return {cut ? Stop::kNeedMore : Stop::kProblem, problem_.offset};
}

RecordParser::Outcome RecordParser::Parse(const char* text, std::size_t size, std::size_t begin,
                                          std::size_t limit, bool complete) {
  const char* const end = text + size;
  const char* const stop = text + std::min(limit, size);
  safe_ = complete ? end + 1 : end - std::min(size, kCutMargin);
  const char* at = text + begin;
  while (at < stop) {
    const char* next = at;
    bool record = false;
    cut_ = endless_ = false;
    if (*at == '\n' || *at == '\r') {
      next = SkipLineBreak(at);
    } else if (dialect_.comment != '\0' && *at == dialect_.comment) {
      next = SkipLineBreak(FindLineEnd(at, end));
    } else {
      record = true;
      next = ParseRecord(at, end);
    }
    const bool cut = next == nullptr ? cut_ : next >= safe_;
    if (cut || next == nullptr) return StopAt(text, at, end, cut);
    if (static_cast<std::size_t>(next - at) > kRecordBytesMax) return StopAt(text, at, next, true);
    rows_ += record ? 1 : 0;
    at = next;
  }
  return {Stop::kLimit, static_cast<std::size_t>(at - text)};
}

std::vector<std::string> SplitRecord(const char* at, const char* end, const Dialect& dialect,
                                     const char*& next, ScanError& error, Spaces spaces) {
  std::vector<std::string> fields;
  std::string scratch;
  error = ScanError::kNone;
  while (true) {
    const Cell cell = ScanCell(at, end, dialect, scratch);
    const bool strip = spaces == Spaces::kOfNames && (dialect.trim || !cell.quoted);
    fields.emplace_back(strip ? StripSpaces(cell.text) : cell.text);
    next = cell.next;
    if (cell.error != ScanError::kNone) {
      error = cell.error;
      return fields;
    }
    if (!AtDelimiter(cell.next, dialect)) break;
    at = cell.next + dialect.delimiter.size();
  }
  next = SkipLineBreak(next);
  return fields;
}

}  // namespace dml::table
