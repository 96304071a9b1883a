// The record parser in memory, without files or threads: text parsed in one go and text that
// arrives in windows have to give the same rows, values and problem. The first two bytes choose
// the dialect and the size of the windows.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "plugins/table/csv/record_parser.h"

namespace dml::table {
namespace {

std::string Padded(std::string_view text) {
  std::string out(text);
  out.append(kScanPadding, '\0');
  return out;
}

CsvOptions OptionsFrom(unsigned flags) {
  CsvOptions options;
  options.trim = (flags & 1) != 0;
  options.quote = (flags & 2) != 0 ? "" : "\"";
  options.ragged = (flags & 4) != 0 ? CsvRagged::kPad : CsvRagged::kError;
  options.comment = (flags & 8) != 0 ? "#" : "";
  options.decimal = (flags & 32) != 0 ? ',' : '.';
  return options;
}

// What came of a text.
struct Parsed {
  std::optional<RecordProblem> problem;
  std::size_t rows = 0;
  std::vector<ColumnPlan> plans;
  std::string cells;

  void Take(RecordParser& parser) {
    rows = parser.rows();
    for (ColumnSink& sink : parser.sinks()) {
      plans.push_back(sink.plan());
      if (sink.misfit()) return;
    }
    for (ColumnSink& sink : parser.sinks()) {
      std::shared_ptr<const Dictionary> dictionary;
      const Column column = sink.Finish(rows, dictionary);
      for (std::size_t row = 0; row < rows; ++row) {
        cells += column.IsValid(row) ? column.AsText(row) + "|" : "?|";
      }
    }
  }
};

// Until every cell fits, as a partition is read.
Parsed ParseWhole(RecordParser& parser, std::size_t columns, std::string_view text) {
  const std::string padded = Padded(text);
  std::vector<ColumnPlan> plans(columns);
  Parsed out;
  while (true) {
    parser.Reset(plans);
    const auto outcome = parser.Parse(padded.data(), text.size(), 0, text.size(), true);
    if (outcome.stop == RecordParser::Stop::kNeedMore) std::abort();
    if (outcome.stop == RecordParser::Stop::kProblem) {
      out.problem = parser.problem();
      out.plans = plans;
      out.rows = parser.rows();
      return out;
    }
    if (!parser.misfit()) break;
    if (parser.Widened() == plans) std::abort();
    plans = parser.Widened();
  }
  out.Take(parser);
  return out;
}

Parsed ParseInWindows(RecordParser& parser, const std::vector<ColumnPlan>& plans,
                      std::string_view text, std::size_t window) {
  Parsed out;
  parser.Reset(plans);
  std::size_t overlap = 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view seen = text.substr(at, window + overlap);
    const bool complete = at + seen.size() == text.size();
    const std::string padded = Padded(seen);
    const auto outcome = parser.Parse(padded.data(), seen.size(), 0, window, complete);
    if (outcome.stop == RecordParser::Stop::kProblem) {
      out.problem = parser.problem();
      out.plans = plans;
      out.rows = parser.rows();
      return out;
    }
    at += outcome.position;
    if (outcome.stop == RecordParser::Stop::kNeedMore) {
      if (complete) std::abort();
      overlap *= 2;
    }
  }
  out.Take(parser);
  return out;
}

bool Same(const Parsed& a, const Parsed& b) {
  if (a.problem.has_value() != b.problem.has_value() || a.rows != b.rows) return false;
  if (!a.problem) return a.plans == b.plans && a.cells == b.cells;
  return a.problem->row == b.problem->row && a.problem->column == b.problem->column &&
         a.problem->message == b.problem->message;
}

}  // namespace
}  // namespace dml::table

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dml::table;
  if (size < 3) return 0;
  const unsigned flags = data[0];
  const CsvOptions options = OptionsFrom(flags);
  const char* delimiter = (flags & 16) != 0 ? "::" : (flags & 32) != 0 ? ";" : ",";
  const auto dialect = Dialect::From(options, delimiter);
  if (!dialect.ok()) std::abort();
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string padded = Padded(text);
  const char* next = nullptr;
  ScanError error = ScanError::kNone;
  const auto first = SplitRecord(padded.data(), padded.data() + text.size(), *dialect, next, error);
  RecordParser parser(*dialect, first);
  const Parsed whole = ParseWhole(parser, first.size(), text);
  const Parsed windows = ParseInWindows(parser, whole.plans, text, 1 + data[1] % 64);
  if (!Same(whole, windows)) std::abort();
  return 0;
}
