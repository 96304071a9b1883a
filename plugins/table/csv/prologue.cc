#include "plugins/table/csv/prologue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/counted.h"
#include "base/suggest.h"
#include "plugins/table/csv/record_parser.h"

namespace dml::table {

namespace {

// Read at first for the header and as the sample that types are first guessed from; doubled while
// the header does not fit.
constexpr std::size_t kHeadBytes = std::size_t{1} << 18;
constexpr std::size_t kHeadBytesMax = std::size_t{64} << 20;

// The start of a file, after its byte order mark, padded for the scanners.
struct Head {
  std::string text;
  std::size_t size = 0;
  bool complete = false;  // the file ends here

  [[nodiscard]] const char* begin() const { return text.data(); }
  [[nodiscard]] const char* end() const { return text.data() + size; }
};

Result<Head> ReadHead(const TextSource& source, const TextSource::File& file, std::size_t size) {
  Head head;
  head.text.resize(size + kScanPadding);
  DML_TRY(head.size, source.ReadAt(file, file.body, head.text.data(), size));
  std::fill(head.text.begin() + static_cast<std::ptrdiff_t>(head.size), head.text.end(), '\0');
  head.complete = file.body + head.size == file.size;
  return head;
}

const char* SkipLines(const char* at, const char* end, int lines) {
  for (int i = 0; i < lines && at < end; ++i) at = SkipLineBreak(FindLineEnd(at, end));
  return at;
}

std::string DelimiterOf(const CsvOptions& options, const Head& head) {
  if (options.delimiter != "auto") return options.delimiter;
  const char* at = SkipLines(head.begin(), head.end(), options.skip_rows);
  return GuessDelimiter({at, static_cast<std::size_t>(head.end() - at)}, options);
}

// Past blank and comment lines.
const char* SkipToRecord(const char* at, const char* end, const Dialect& dialect) {
  while (at < end) {
    if (*at == '\n' || *at == '\r') {
      at = SkipLineBreak(at);
    } else if (dialect.comment != '\0' && *at == dialect.comment) {
      at = SkipLineBreak(FindLineEnd(at, end));
    } else {
      break;
    }
  }
  return at;
}

// Whether the first record reads like names: distinct texts that are neither values nor missing,
// and that the next record does not repeat.
bool LooksLikeHeader(const std::vector<std::string>& first, const std::vector<std::string>& second,
                     const Dialect& dialect) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string_view text = StripSpaces(first[i]);
    if (dialect.IsNull(text) || ClassifyCell(text, dialect) != CellType::kText) return false;
    if (!seen.emplace(text).second) return false;
    if (i < second.size() && second[i] == first[i]) return false;
  }
  return true;
}

struct FileStart {
  std::vector<std::string> header;  // empty: the file has none
  std::size_t fields = 0;           // in its first record
  bool cut = false;                 // the head ends within that record
};

Error HeaderProblem(const Head& head, const char* at, ScanError error, const std::string& path) {
  std::size_t line = 1;
  for (const char* begin = head.begin(); begin < at; ++line) {
    begin = SkipLineBreak(FindLineEnd(begin, head.end()));
  }
  const std::string place = fmt::format("{}:{}", path, line);
  const bool open = error == ScanError::kNone || error == ScanError::kUnclosedQuote;
  if (open && !head.complete) {
    return Error::Invalid("the header is longer than 64 MiB",
                          "look for a quote that is never closed, or for missing line breaks")
        .At(place);
  }
  const ScanComplaint complaint = ComplaintOf(error);
  return Error::Invalid(fmt::format("the header {}", complaint.message),
                        std::string(complaint.hint))
      .At(place);
}

Result<FileStart> ReadFileStart(const CsvOptions& options, const Dialect& dialect, const Head& head,
                                TextSource::File& file) {
  const char* at = SkipLines(head.begin(), head.end(), options.skip_rows);
  at = SkipToRecord(at, head.end(), dialect);
  FileStart start;
  const bool may_grow = !head.complete && head.size < kHeadBytesMax;
  if (at >= head.end()) {
    start.cut = may_grow;
    if (start.cut) return start;
    return Error::Invalid(fmt::format("'{}' holds no record", file.path),
                          "check the file, skip_rows and comment");
  }
  const char* next = at;
  ScanError error = ScanError::kNone;
  const auto first = SplitRecord(at, head.end(), dialect, next, error);
  start.fields = first.size();
  const bool open = error == ScanError::kUnclosedQuote || next >= head.end();
  if (open && may_grow) {
    start.cut = true;
    return start;
  }
  if (error != ScanError::kNone || (open && !head.complete)) {
    if (options.header != CsvHeader::kNo) return HeaderProblem(head, at, error, file.path);
    // The record parser words the problem, with its place.
    file.body += static_cast<std::uint64_t>(at - head.begin());
    return start;
  }
  bool has_header = options.header == CsvHeader::kYes;
  if (options.header == CsvHeader::kAuto) {
    const char* second_at = SkipToRecord(next, head.end(), dialect);
    const char* unused = nullptr;
    const auto second = second_at < head.end()
                            ? SplitRecord(second_at, head.end(), dialect, unused, error)
                            : std::vector<std::string>{};
    has_header = LooksLikeHeader(first, second, dialect);
  }
  if (has_header) {
    start.header = SplitRecord(at, head.end(), dialect, next, error, Spaces::kOfNames);
    at = next;
  }
  file.body += static_cast<std::uint64_t>(at - head.begin());
  return start;
}

// Makes the names unique and not empty.
std::vector<std::string> CleanNames(std::vector<std::string> names,
                                    std::vector<std::string>& warnings) {
  std::set<std::string> taken(names.begin(), names.end());
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    if (StripSpaces(name).empty()) {
      name = fmt::format("column_{}", i + 1);
      warnings.push_back(fmt::format("Column {} has no name and is called '{}'.", i + 1, name));
    }
    const std::string wanted = name;
    // A made-up name must not take that of a later column either.
    for (int suffix = 1; seen.contains(name) || (name != wanted && taken.contains(name));
         ++suffix) {
      name = fmt::format("{}.{}", wanted, suffix);
    }
    if (name != wanted) {
      warnings.push_back(
          fmt::format("Column {} repeats the name '{}' and is called '{}'.", i + 1, wanted, name));
    }
    seen.insert(name);
    names[i] = name;
  }
  return names;
}

Result<std::vector<std::string>> NameColumns(const CsvOptions& options, const FileStart& start,
                                             const std::string& path,
                                             std::vector<std::string>& warnings) {
  std::vector<std::string> names = options.columns;
  if (names.empty()) names = start.header;
  if (names.empty()) {
    for (std::size_t i = 0; i < start.fields; ++i) names.push_back(fmt::format("column_{}", i + 1));
  }
  if (names.size() != start.fields) {
    return Error::Invalid(fmt::format("'{}' has {} columns, but {} names are given", path,
                                      start.fields, names.size()),
                          "give one name per column, or check the delimiter");
  }
  for (const std::string& name : names) {
    if (IsUtf8(name) && name.find('\0') == std::string::npos) continue;
    return Error::Invalid(fmt::format("the header of '{}' is not UTF-8 text", path),
                          "set encoding: latin1, or convert the file to UTF-8");
  }
  return CleanNames(std::move(names), warnings);
}

// A single column whose name looks like several.
void WarnOfDelimiter(const CsvOptions& options, const Dialect& dialect, const FileStart& start,
                     std::vector<std::string>& warnings) {
  if (start.header.size() != 1 || !options.columns.empty()) return;
  for (const std::string_view other : {";", "\t", "|", ","}) {
    if (other == dialect.delimiter || start.header[0].find(other) == std::string::npos) continue;
    const std::string_view name = other == "\t" ? "tab" : other;
    warnings.push_back(
        fmt::format("There is one column only, called '{}': if its fields are separated by {}, set "
                    "delimiter: {}.",
                    start.header[0], name == "tab" ? "tabs" : fmt::format("'{}'", name),
                    name == "tab" ? "tab" : fmt::format("\"{}\"", name)));
    return;
  }
}

Result<std::vector<ColumnPlan>> DeclaredPlans(const CsvOptions& options,
                                              const std::vector<std::string>& names) {
  constexpr ColumnPlan kAnyText{CellType::kText, TextForm::kTry, false, true};
  std::vector<ColumnPlan> plans(names.size());
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (options.as_text.contains(names[c])) plans[c] = kAnyText;
  }
  for (const auto& [name, type] : options.types) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      const std::string nearest = DidYouMean(name, names);
      return Error::Invalid(fmt::format("types names a column '{}' that does not exist{}{}", name,
                                        nearest.empty() ? "" : "; ", nearest));
    }
    ColumnPlan plan = kAnyText;
    switch (type) {
      case ColumnType::kFloat64:
        plan.type = CellType::kFloat64;
        break;
      case ColumnType::kFloat32:
        plan.type = CellType::kFloat64;
        plan.float32 = true;
        break;
      case ColumnType::kInt64:
        plan.type = CellType::kInt64;
        break;
      case ColumnType::kBool:
        plan.type = CellType::kBool;
        break;
      case ColumnType::kTimestamp:
        plan.type = CellType::kTimestamp;
        break;
      case ColumnType::kCategory:
        plan.text = TextForm::kCategory;
        break;
      case ColumnType::kString:
        plan.text = TextForm::kString;
        break;
      case ColumnType::kSparse:
        return Error::Invalid(fmt::format("column '{}' cannot be sparse in delimited text", name));
    }
    plans[static_cast<std::size_t>(found - names.begin())] = plan;
  }
  return plans;
}

// The other files have to have the columns of the first, in the same order.
Result<void> CheckSameColumns(const FileStart& first, const FileStart& other,
                              const std::string& first_path, const std::string& path) {
  if (other.fields != first.fields) {
    return Error::Invalid(fmt::format("'{}' has {}, but '{}' has {}", path,
                                      Counted(other.fields, "column"), first_path, first.fields));
  }
  for (std::size_t i = 0; i < std::min(first.header.size(), other.header.size()); ++i) {
    if (first.header[i] == other.header[i]) continue;
    return Error::Invalid(fmt::format("column {} is '{}' in '{}', but '{}' in '{}'", i + 1,
                                      other.header[i], path, first.header[i], first_path),
                          "load files with the same columns in the same order");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> ReadCsvNames(const CsvOptions& options) {
  if (options.paths.empty()) return Error::Invalid("there is no file to load");
  DML_TRY(const auto source, TextSource::OpenStart(options.paths.front(), options.encoding));
  TextSource::File& file = source->files().front();
  DML_TRY(Head head, ReadHead(*source, file, kHeadBytes));
  // What was unpacked may end before the file does.
  head.complete = head.complete && file.size < TextSource::kStartBytesMax;
  DML_TRY(const Dialect dialect, Dialect::From(options, DelimiterOf(options, head)));
  DML_TRY(const FileStart start, ReadFileStart(options, dialect, head, file));
  if (start.cut) return Error::Invalid("the first record is too long to tell the columns");
  std::vector<std::string> warnings;
  return NameColumns(options, start, file.path, warnings);
}

Result<Prologue> ReadPrologue(const CsvOptions& options, TextSource& source) {
  Prologue out;
  FileStart first;
  for (TextSource::File& file : source.files()) {
    const std::uint64_t head_at = file.body;
    const bool is_first = &file == &source.files().front();
    DML_TRY(Head head, ReadHead(source, file, kHeadBytes));
    if (is_first) {
      DML_TRY(out.dialect, Dialect::From(options, DelimiterOf(options, head)));
    }
    DML_TRY(FileStart start, ReadFileStart(options, out.dialect, head, file));
    for (std::size_t size = kHeadBytes * 2; start.cut; size *= 2) {
      DML_TRY(head, ReadHead(source, file, size));
      DML_TRY(start, ReadFileStart(options, out.dialect, head, file));
    }
    if (!is_first) {
      DML_RETURN_IF_ERROR(CheckSameColumns(first, start, source.files().front().path, file.path));
      continue;
    }
    first = std::move(start);
    DML_TRY(out.names, NameColumns(options, first, file.path, out.warnings));
    WarnOfDelimiter(options, out.dialect, first, out.warnings);
    DML_TRY(out.plans, DeclaredPlans(options, out.names));
    // The first cells give the first beliefs. A problem in them is found again by the real pass.
    RecordParser parser(out.dialect, out.names);
    parser.Reset(out.plans);
    const auto begin = static_cast<std::size_t>(file.body - head_at);
    parser.Parse(head.begin(), head.size, begin, head.size, head.complete);
    out.plans = parser.Widened();
  }
  return out;
}

}  // namespace dml::table
