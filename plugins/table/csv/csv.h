#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plugins/table/load.h"

namespace dml::table {

enum class CsvHeader { kYes, kNo, kAuto };
enum class CsvEncoding { kUtf8, kLatin1 };
// What to do with a record of too few or too many fields.
enum class CsvRagged {
  kError,
  kPad,  // missing values for absent fields; surplus fields are an error all the same
};

// How to read delimited text. Records end in LF, CRLF or CR; a field may be quoted, then it may
// hold delimiters, line breaks and doubled quotes. Blank lines and comment lines are no records.
struct CsvOptions {
  std::vector<std::string> paths;  // read in this order; .gz and .zst are recognised by content
  std::string delimiter = ",";     // "auto": the likeliest of , ; tab | in the first lines
  CsvHeader header = CsvHeader::kYes;
  std::vector<std::string> columns;  // names to use instead of the header's
  std::string quote = "\"";          // one character, or "" for none
  std::string comment;               // lines that start with this character are skipped; "" none
  int skip_rows = 0;                 // physical lines to skip at the start of each file
  bool trim = false;                 // strip spaces around every field (numbers always are)
  // Texts that mean "missing", quoted or not. An empty field always does.
  std::vector<std::string> null_values{"NA",   "N/A",  "n/a",  "NaN",  "nan",
                                       "NULL", "null", "None", "<NA>", "#N/A"};
  std::map<std::string, ColumnType> types;  // per column, instead of inference
  std::set<std::string> as_text;            // category or string, by their values, if they exist
  std::string timestamp_format;             // "" means ISO 8601; else strptime-like (civil_time.h)
  char decimal = '.';                       // or ','
  CsvEncoding encoding = CsvEncoding::kUtf8;
  CsvRagged ragged = CsvRagged::kError;
  Partitioning partitions;
};

// The type of a column without override is the narrowest of these that fits every cell of every
// file: bool (true/false), int64, float64, timestamp, text. Whole numbers with leading zeros are
// text, because they are keys. Text becomes a category when it has at most 32 distinct values, or
// at most 65,536 of which each occurs twice on average; otherwise it is a string. A column
// without any value is float64. Repeated column names get ".1", ".2", ...; empty ones "column_N".
inline constexpr std::size_t kCategoriesAlways = 32;
inline constexpr std::size_t kCategoriesMax = 65'536;
// Whether texts are a category: so many different ones among so many that are not missing.
[[nodiscard]] constexpr bool AreCategories(std::size_t different, std::uint64_t present) {
  return different <= kCategoriesAlways ||
         (different <= kCategoriesMax && different * 2 <= present);
}

// The names that LoadCsv will give the columns, told from the start of the first file alone. An
// error, whatever it is, if that does not tell them; LoadCsv says what is wrong.
Result<std::vector<std::string>> ReadCsvNames(const CsvOptions& options);

// Reads the files into partition files and table.json under `directory`, which exists. Errors
// are kInvalid and name file, line, row and column; then no table.json is left behind.
// The table is the same for every LoadExecution.
Result<LoadReport> LoadCsv(const CsvOptions& options, const std::string& directory,
                           const LoadExecution& execution);

}  // namespace dml::table
