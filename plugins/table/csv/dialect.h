#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/csv/csv.h"

namespace dml::table {

// CsvOptions checked and resolved: what the scanner needs for every byte. Immutable.
struct Dialect {
  std::string delimiter = ",";
  bool has_quote = true;
  char quote = '"';
  char comment = '\0';  // '\0': none
  bool trim = false;
  char decimal = '.';
  bool pad = false;                      // CsvRagged::kPad
  std::vector<std::string> null_values;  // sorted
  std::size_t null_size_max = 0;
  bool numeric_nulls = false;  // a null value that reads like a number: -999
  std::string timestamp_format;

  // kInvalid for options that contradict each other. "auto" must have been resolved before.
  static Result<Dialect> From(const CsvOptions& options, const std::string& delimiter);

  [[nodiscard]] bool IsNull(std::string_view text) const;
  [[nodiscard]] std::optional<std::int64_t> ParseTime(std::string_view text) const;
};

// The likeliest of , ; tab | as delimiter of the records in `sample`: the one that cuts most of
// them into the same number of fields, at least two; a comma if none does.
[[nodiscard]] std::string GuessDelimiter(std::string_view sample, const CsvOptions& options);

[[nodiscard]] std::string_view StripSpaces(std::string_view text);

}  // namespace dml::table
