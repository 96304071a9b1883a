#pragma once

#include <string>
#include <string_view>

#include "plugins/table/csv/dialect.h"

namespace dml::table {

// Text that the scanners may read: [begin, end), followed by kScanPadding zero bytes.
inline constexpr std::size_t kScanPadding = 64;

enum class ScanError { kNone, kNulByte, kTextAfterQuote, kUnclosedQuote };

// What to say about a field with an error: a predicate, and its remedy.
struct ScanComplaint {
  std::string_view message;
  std::string_view hint;
};
[[nodiscard]] ScanComplaint ComplaintOf(ScanError error);

// A field as found: `text` without quotes, pointing into the input or into the scratch string.
struct Cell {
  std::string_view text;
  const char* next = nullptr;  // its terminator: a delimiter, a line break, or the end
  bool non_ascii = false;
  bool quoted = false;
  ScanError error = ScanError::kNone;
};

// The field that starts at `at`. `scratch` holds it when doubled quotes had to be undone.
Cell ScanCell(const char* at, const char* end, const Dialect& dialect, std::string& scratch);

// The first byte at or after `at` that could end an unquoted field: the first byte of the
// delimiter, CR, LF or NUL. `non_ascii` is set if a byte above 127 lies before it.
const char* FindCellEnd(const char* at, const char* end, char delimiter, bool& non_ascii);

[[nodiscard]] inline bool AtDelimiter(const char* at, const Dialect& dialect) {
  return *at == dialect.delimiter[0] &&
         (dialect.delimiter.size() == 1 ||
          std::string_view(at, dialect.delimiter.size()) == dialect.delimiter);
}

[[nodiscard]] inline bool AtRecordEnd(const char* at, const char* end) {
  return *at == '\n' || *at == '\r' || at >= end;
}

// Past the line break at `at`, if there is one.
[[nodiscard]] inline const char* SkipLineBreak(const char* at) {
  if (*at == '\r') return at[1] == '\n' ? at + 2 : at + 1;
  return *at == '\n' ? at + 1 : at;
}

// The first CR or LF at or after `at`, or `end`.
const char* FindLineEnd(const char* at, const char* end);

// Whether `text` is well-formed UTF-8 (no surrogates, nothing overlong).
[[nodiscard]] bool IsUtf8(std::string_view text);

}  // namespace dml::table
