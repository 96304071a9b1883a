#include "plugins/table/csv/dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "plugins/table/civil_time.h"

namespace dml::table {

Result<Dialect> Dialect::From(const CsvOptions& options, const std::string& delimiter) {
  Dialect out;
  out.delimiter = delimiter;
  const auto unusable = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
  };
  if (delimiter.empty() || delimiter.size() > 8 || unusable(delimiter)) {
    return Error::Invalid("the delimiter has to be 1 to 8 characters without line breaks");
  }
  if (options.quote.size() > 1 || options.comment.size() > 1 || unusable(options.quote) ||
      unusable(options.comment)) {
    return Error::Invalid("quote and comment have to be single characters, or none");
  }
  out.has_quote = !options.quote.empty();
  if (out.has_quote) out.quote = options.quote[0];
  if (out.has_quote && delimiter.find(out.quote) != std::string::npos) {
    return Error::Invalid("the quote character is part of the delimiter");
  }
  if (!options.comment.empty()) out.comment = options.comment[0];
  if (options.decimal != '.' && options.decimal != ',') {
    return Error::Invalid("the decimal mark is '.' or ','");
  }
  if (delimiter[0] == options.decimal) {
    return Error::Invalid(fmt::format("'{}' is both delimiter and decimal mark", options.decimal),
                          "set delimiter or decimal");
  }
  out.trim = options.trim;
  out.decimal = options.decimal;
  out.pad = options.ragged == CsvRagged::kPad;
  out.null_values = options.null_values;
  std::ranges::sort(out.null_values);
  for (const std::string& text : out.null_values) {
    out.null_size_max = std::max(out.null_size_max, text.size());
    out.numeric_nulls |= text.find_first_not_of("0123456789+-.,eE") == std::string::npos;
  }
  out.timestamp_format = options.timestamp_format;
  return out;
}

bool Dialect::IsNull(std::string_view text) const {
  if (text.empty()) return true;
  if (text.size() > null_size_max) return false;
  return std::ranges::binary_search(null_values, text);
}

std::optional<std::int64_t> Dialect::ParseTime(std::string_view text) const {
  return timestamp_format.empty() ? ParseIsoTimestamp(text)
                                  : ParseTimestamp(text, timestamp_format);
}

std::string_view StripSpaces(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string GuessDelimiter(std::string_view sample, const CsvOptions& options) {
  std::string best = ",";
  std::size_t best_score = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    if (candidate == options.decimal) continue;
    std::map<std::size_t, std::size_t> records_by_count;
    std::size_t count = 0;
    bool quoted = false;
    bool empty = true;
    for (const char c : sample) {
      if (!options.quote.empty() && c == options.quote[0]) quoted = !quoted;
      if (!quoted && c == candidate) ++count;
      if (quoted || (c != '\n' && c != '\r')) {
        empty = false;
        continue;
      }
      if (!empty) ++records_by_count[count];
      count = 0;
      empty = true;
    }
    if (!empty && records_by_count.empty()) ++records_by_count[count];
    for (const auto& [delimiters, records] : records_by_count) {
      const std::size_t score = delimiters == 0 ? 0 : records * 100 + delimiters;
      if (score <= best_score) continue;
      best_score = score;
      best = std::string(1, candidate);
    }
  }
  return best;
}

}  // namespace dml::table
