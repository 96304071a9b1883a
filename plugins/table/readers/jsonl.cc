#include "plugins/table/readers/jsonl.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "base/suggest.h"
#include "plugins/table/civil_time.h"
#include "plugins/table/csv/cell_scan.h"
#include "plugins/table/csv/cell_type.h"
#include "plugins/table/csv/number.h"
#include "plugins/table/readers/batch_sink.h"
#include "plugins/table/readers/line_reader.h"

namespace dml::table {

namespace {

using OrderedJson = nlohmann::ordered_json;

std::string TextOf(const OrderedJson& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

CellType TypeOf(const OrderedJson& value) {
  if (value.is_null()) return CellType::kNothing;
  if (value.is_boolean()) return CellType::kBool;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
    return CellType::kWhole;
  }
  if (value.is_number_integer()) return CellType::kInt64;
  if (value.is_number_float()) {
    // The parser hands over whole numbers beyond 64 bits as floats.
    const double number = value.get<double>();
    const bool beyond = std::abs(number) >= 0x1p63 && std::floor(number) == number;
    return beyond ? CellType::kWhole : CellType::kFloat64;
  }
  const bool time = value.is_string() && ParseIsoTimestamp(value.get_ref<const std::string&>());
  return time ? CellType::kTimestamp : CellType::kText;
}

// What is known of a key after the first pass.
struct KeySurvey {
  CellType type = CellType::kNothing;
  std::set<std::string> values;  // at most one more than kCategoriesMax
  std::uint64_t present = 0;
  std::optional<InexactCell> rounded;  // the first whole number that float64 rounds

  void See(const OrderedJson& value, std::uint64_t row) {
    if (value.is_null()) return;
    ++present;
    if (!rounded && value.is_number_integer() && IsRoundedWhole(value.dump())) {
      rounded = {row, value.dump()};
    }
    type = JoinCellTypes(type, TypeOf(value));
    if (values.size() <= kCategoriesMax) values.insert(TextOf(value));
  }
  [[nodiscard]] ColumnType Stored() const {
    switch (type) {
      case CellType::kNothing:
      case CellType::kWhole:
      case CellType::kFloat64:
        return ColumnType::kFloat64;
      case CellType::kBool:
        return ColumnType::kBool;
      case CellType::kInt64:
        return ColumnType::kInt64;
      case CellType::kTimestamp:
        return ColumnType::kTimestamp;
      case CellType::kText:
        break;
    }
    return AreCategories(values.size(), present) ? ColumnType::kCategory : ColumnType::kString;
  }
};

constexpr char kJsonLinesHint[] = "write one object a line, in UTF-8";

// `byte` counts from 1 what was read when the line could not be JSON any more.
Error NotJson(std::string_view line, std::size_t byte) {
  if (byte == 0 || byte > line.size()) {
    return Error::Invalid("the line is not valid JSON", kJsonLinesHint);
  }
  const std::string_view rest = line.substr(byte - 1);
  // What Python's json module writes of such numbers, unless it is told not to.
  const bool no_number = rest.starts_with("NaN") || rest.starts_with("Infinity");
  return Error::Invalid(fmt::format("the line is not valid JSON at byte {}", byte),
                        no_number ? "JSON has no NaN and no Infinity: write null" : kJsonLinesHint);
}

Error WhyNoObject(const std::string_view line) {
  try {
    [[maybe_unused]] const OrderedJson parsed = OrderedJson::parse(line);
  } catch (const OrderedJson::out_of_range& problem) {
    // "... number overflow parsing '1e400'"
    const std::string_view what = problem.what();
    const std::size_t quote = what.find('\'');
    return Error::Invalid(fmt::format("the number {} is too large for float64",
                                      quote == std::string_view::npos ? "" : what.substr(quote)),
                          "the largest is 1.79e308; scale the values down, or write null");
  } catch (const OrderedJson::parse_error& problem) {
    return NotJson(line, problem.byte);
  }
  return Error::Invalid("the line is not a JSON object", kJsonLinesHint);
}

// The keys of the object on a line that is valid JSON, those that come twice counted twice.
std::size_t CountKeys(std::string_view line) {
  std::size_t keys = 0;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ':' && depth == 1) ++keys;
  }
  return keys;
}

Error TwiceNamed(std::string_view line) {
  std::set<std::string> seen;
  std::string twice;
  const auto look = [&](int depth, OrderedJson::parse_event_t event, OrderedJson& value) {
    if (event == OrderedJson::parse_event_t::key && depth == 1 &&
        !seen.insert(value.get<std::string>()).second) {
      twice = value.get<std::string>();
    }
    return true;
  };
  [[maybe_unused]] const OrderedJson parsed = OrderedJson::parse(line, look, false);
  return Error::Invalid(fmt::format("the key '{}' is there twice", twice),
                        "a column has one value in a row");
}

template <typename Use>
Result<void> ForEachObject(LineReader& lines, const LoadExecution& execution, Use use) {
  lines.Rewind();
  std::string_view line;
  for (std::uint64_t count = 0;; ++count) {
    if (count % 1024 == 0 && execution.stop.stop_requested()) return Error::Cancelled("stopped");
    DML_TRY(const bool more, lines.Next(line));
    if (!more) return {};
    if (StripSpaces(line).empty()) continue;
    const OrderedJson object =
        OrderedJson::parse(line, nullptr, /*allow_exceptions=*/false, /*ignore_comments=*/false);
    if (!object.is_object()) return WhyNoObject(line).At(lines.Place());
    if (CountKeys(line) != object.size()) return TwiceNamed(line).At(lines.Place());
    auto used = use(object);
    if (!used.ok()) return std::move(used).error().At(lines.Place());
  }
}

bool FitsFloat(std::string_view text, double value, ColumnType type) {
  return !Overflows(text, type == ColumnType::kFloat32 ? static_cast<float>(value) : value);
}

// False if the value does not fit the column.
bool Append(ColumnBuilder& column, ColumnType type, const OrderedJson& value) {
  const std::string text = TextOf(value);
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      if (const auto number = ParseDouble(text); number && FitsFloat(text, *number, type)) {
        return column.AppendDouble(*number), true;
      }
      return false;
    case ColumnType::kInt64:
      if (const auto number = ParseInt64(text)) return column.AppendInt64(*number), true;
      return false;
    case ColumnType::kBool:
      if (const auto truth = ParseBool(text)) return column.AppendBool(*truth), true;
      return false;
    case ColumnType::kTimestamp:
      if (const auto time = ParseIsoTimestamp(text)) return column.AppendInt64(*time), true;
      return false;
    case ColumnType::kCategory:
    case ColumnType::kString:
      return column.AppendText(text), true;
    case ColumnType::kSparse:
      break;
  }
  return false;
}

}  // namespace

Result<LoadReport> LoadJsonl(const JsonlOptions& options, const std::string& directory,
                             const LoadExecution& execution) {
  DML_TRY(const auto source, TextSource::Open(options.paths, CsvEncoding::kUtf8, directory));
  LineReader lines(*source);
  std::vector<std::string> names;
  std::map<std::string, KeySurvey> surveys;
  std::uint64_t rows = 0;
  DML_RETURN_IF_ERROR(
      ForEachObject(lines, execution, [&](const OrderedJson& object) -> Result<void> {
        for (const auto& [key, value] : object.items()) {
          const auto [survey, added] = surveys.try_emplace(key);
          if (added) names.push_back(key);
          survey->second.See(value, rows);
        }
        ++rows;
        return {};
      }));
  if (names.empty()) {
    return Error::Invalid(fmt::format("'{}' holds no object with a key", options.paths.front()));
  }
  Schema schema;
  for (const std::string& name : options.as_text) {
    if (surveys.contains(name)) surveys[name].type = CellType::kText;
  }
  for (const std::string& name : names) {
    const auto declared = options.types.find(name);
    const ColumnType type =
        declared != options.types.end() ? declared->second : surveys[name].Stored();
    schema.fields.push_back({name, type, 1});
  }
  for (const auto& [name, type] : options.types) {
    DML_TRY([[maybe_unused]] const std::size_t index, schema.Find(name));
    if (type == ColumnType::kSparse) {
      return Error::Invalid(fmt::format("column '{}' cannot be sparse in JSON lines", name));
    }
  }
  BatchSink sink(schema, directory, options.partitions, source->size());
  const auto append = [&](const OrderedJson& object) -> Result<void> {
    DML_RETURN_IF_ERROR(sink.StartRow(lines.position()));
    for (std::size_t c = 0; c < schema.fields.size(); ++c) {
      const Field& field = schema.fields[c];
      const auto value = object.find(field.name);
      if (value == object.end() || value->is_null()) {
        sink.column(c).AppendMissing();
      } else if (!Append(sink.column(c), field.type, *value)) {
        return Error::Invalid(fmt::format("row {}, column '{}' holds {}, which is not {}",
                                          sink.rows(), field.name, value->dump().substr(0, 60),
                                          ColumnTypeName(field.type)));
      }
    }
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachObject(lines, execution, append));
  DML_TRY(LoadReport report, sink.Finish());
  for (const Field& field : schema.fields) {
    if (options.types.contains(field.name)) continue;
    const KeySurvey& survey = surveys[field.name];
    if (survey.type == CellType::kWhole) report.warnings.push_back(RoundingWarning(field.name));
    if (survey.type == CellType::kFloat64 && survey.rounded) {
      report.warnings.push_back(RoundingWarning(field.name, *survey.rounded));
    }
  }
  return report;
}

}  // namespace dml::table
