#include "plugins/table/readers/svmlight.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "plugins/table/csv/number.h"
#include "plugins/table/readers/batch_sink.h"
#include "plugins/table/readers/line_reader.h"

namespace dml::table {

namespace {

struct Row {
  std::string_view label;
  std::optional<std::int64_t> qid;
  std::vector<std::int32_t> indices;  // as written
  std::vector<double> values;
};

// The next word of a line.
std::string_view NextWord(std::string_view& line) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!line.empty() && space(line.front())) line.remove_prefix(1);
  std::size_t size = 0;
  while (size < line.size() && !space(line[size])) ++size;
  const std::string_view word = line.substr(0, size);
  line.remove_prefix(size);
  return word;
}

// Whether it is a number, but none that float64 can hold.
bool IsTooLarge(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  return !copy.empty() && *end == '\0' && std::isinf(value) &&
         copy.find_first_of("iI") == std::string::npos;
}

Error TooLarge(std::string_view text) {
  return Error::Invalid(fmt::format("the number '{}' is too large for float64", text),
                        "the largest is 1.79e308; scale the values down");
}

Result<void> ParseFeature(std::string_view word, Row& row) {
  const std::size_t colon = word.find(':');
  const std::string_view text =
      colon == std::string_view::npos ? std::string_view() : word.substr(colon + 1);
  const double value = ParseDouble(text).value_or(HUGE_VAL);
  const auto index = ParseInt64(word.substr(0, std::min(colon, word.size())));
  if (index && std::isinf(value) && IsTooLarge(text)) return TooLarge(text);
  if (!index || (value == HUGE_VAL && !ParseDouble(text))) {
    return Error::Invalid(fmt::format("'{}' is not of the form index:value", word),
                          "check the file; svmlight has one row a line");
  }
  if (*index < 0 || *index >= INT32_MAX) {
    return Error::Invalid(fmt::format("the feature index {} is out of range", *index));
  }
  if (!row.indices.empty() && *index <= row.indices.back()) {
    return Error::Invalid(fmt::format("the feature index {} does not ascend", *index),
                          "sort the features of each line by index");
  }
  row.indices.push_back(static_cast<std::int32_t>(*index));
  row.values.push_back(value);
  return {};
}

// False for a line without a row.
Result<bool> ParseLine(std::string_view line, Row& row) {
  line = line.substr(0, line.find('#'));
  row.label = NextWord(line);
  row.qid.reset();
  row.indices.clear();
  row.values.clear();
  if (row.label.empty()) return false;
  const auto label = ParseDouble(row.label);
  if (std::isinf(label.value_or(HUGE_VAL)) && IsTooLarge(row.label)) return TooLarge(row.label);
  if (!label) {
    return Error::Invalid(fmt::format("the label '{}' is not a number", row.label),
                          "svmlight lines start with a number");
  }
  for (std::string_view word = NextWord(line); !word.empty(); word = NextWord(line)) {
    if (!word.starts_with("qid:")) {
      DML_RETURN_IF_ERROR(ParseFeature(word, row));
      continue;
    }
    row.qid = ParseInt64(word.substr(4));
    if (!row.qid) return Error::Invalid(fmt::format("'{}' is not a query id", word));
  }
  return true;
}

// Calls `use` for every row; errors get their place.
template <typename Use>
Result<void> ForEachRow(LineReader& lines, const LoadExecution& execution, Use use) {
  lines.Rewind();
  Row row;
  std::string_view line;
  for (std::uint64_t count = 0;; ++count) {
    if (count % 4096 == 0 && execution.stop.stop_requested()) return Error::Cancelled("stopped");
    DML_TRY(const bool more, lines.Next(line));
    if (!more) return {};
    auto parsed = ParseLine(line, row);
    if (!parsed.ok()) return std::move(parsed).error().At(lines.Place());
    if (!*parsed) continue;
    auto used = use(row);
    if (!used.ok()) return std::move(used).error().At(lines.Place());
  }
}

// What only the whole text can tell.
struct Survey {
  bool whole_labels = true;
  bool has_qid = false;
  std::int32_t least = INT32_MAX;
  std::int32_t most = -1;
  std::uint64_t rows = 0;

  Result<void> See(const Row& row) {
    if (rows == 0) has_qid = row.qid.has_value();
    if (row.qid.has_value() != has_qid) {
      return Error::Invalid("some rows have a qid and some have none");
    }
    ++rows;
    whole_labels = whole_labels && ParseInt64(row.label).has_value();
    if (row.indices.empty()) return {};
    least = std::min(least, row.indices.front());
    most = std::max(most, row.indices.back());
    return {};
  }
};

}  // namespace

Result<LoadReport> LoadSvmlight(const SvmlightOptions& options, const std::string& directory,
                                const LoadExecution& execution) {
  DML_TRY(const auto source, TextSource::Open(options.paths, CsvEncoding::kUtf8, directory));
  LineReader lines(*source);
  Survey survey;
  DML_RETURN_IF_ERROR(
      ForEachRow(lines, execution, [&](const Row& row) { return survey.See(row); }));
  const std::string& path = options.paths.front();
  if (survey.rows == 0) return Error::Invalid(fmt::format("'{}' holds no row", path));
  const bool zero_based = options.zero_based.value_or(survey.least == 0);
  if (!zero_based && survey.least == 0) {
    return Error::Invalid(fmt::format("'{}' has a feature 0, but indices are to start at 1", path),
                          "set zero_based: true");
  }
  const std::int32_t first = zero_based ? 0 : 1;
  const std::int64_t needed = std::max<std::int64_t>(1, std::int64_t{survey.most} + 1 - first);
  const std::int64_t width = options.features > 0 ? options.features : needed;
  if (needed > width) {
    return Error::Invalid(
        fmt::format("'{}' has {} features, more than the {} declared", path, needed, width));
  }
  Schema schema;
  schema.fields.push_back(
      {"label", survey.whole_labels ? ColumnType::kInt64 : ColumnType::kFloat64, 1});
  if (survey.has_qid) schema.fields.push_back({"qid", ColumnType::kInt64, 1});
  schema.fields.push_back({"features", ColumnType::kSparse, width});

  BatchSink sink(schema, directory, options.partitions, source->size());
  std::vector<std::int32_t> indices;
  const auto append = [&](const Row& row) -> Result<void> {
    DML_RETURN_IF_ERROR(sink.StartRow(lines.position()));
    if (survey.whole_labels) {
      sink.column(0).AppendInt64(*ParseInt64(row.label));
    } else {
      sink.column(0).AppendDouble(*ParseDouble(row.label));
    }
    if (survey.has_qid) sink.column(1).AppendInt64(*row.qid);
    indices.assign(row.indices.begin(), row.indices.end());
    for (std::int32_t& index : indices) index -= first;
    sink.column(schema.fields.size() - 1).AppendSparse(indices, row.values);
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachRow(lines, execution, append));
  return sink.Finish();
}

}  // namespace dml::table
