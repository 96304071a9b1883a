#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/load/load_steps.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/civil_time.h"
#include "plugins/table/csv/csv.h"

namespace dml::steps {

namespace {

struct LoadCsvParams {
  Json path;
  std::string delimiter = ",";
  table::CsvHeader header = table::CsvHeader::kYes;
  std::vector<std::string> columns;
  std::string quote = "\"";
  std::string comment;
  int skip_rows = 0;
  bool trim = false;
  std::vector<std::string> null_values;
  Json types = Json::object();
  Json as_text = Json::array();
  std::string timestamp_format;
  char decimal = '.';
  table::CsvEncoding encoding = table::CsvEncoding::kUtf8;
  table::CsvRagged ragged = table::CsvRagged::kError;
  Json partitions = "auto";
};

bool IsWord(std::string_view text) {
  return text.size() > 1 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

// Where the words that people write for a delimiter lead.
std::string DelimiterHint(std::string_view word) {
  if (word == "comma") return "write \",\"";
  if (word == "semicolon") return "write \";\"";
  if (word == "pipe") return "write \"|\"";
  if (word == "space") return "write \" \"";
  return "write the character itself, such as \";\", or tab or auto";
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void CheckDelimiter(const LoadCsvParams& params, plugins::Problems& problems) {
  const std::string& text = params.delimiter;
  if (text == "auto" || text == "tab") return;
  if (IsWord(text)) {
    problems.Add("/delimiter", fmt::format("the delimiter '{}' is a word", text),
                 DelimiterHint(text));
  } else if (text.empty() || text.size() > 8 || HasLineBreak(text)) {
    problems.Add("/delimiter", "the delimiter has to be 1 to 8 characters without line breaks",
                 "write a character, or tab or auto");
  } else if (text.find(params.quote) != std::string::npos && !params.quote.empty()) {
    problems.Add("/delimiter", "the quote character is part of the delimiter",
                 "set quote, or quote: none");
  } else if (text[0] == params.decimal) {
    problems.Add("/decimal", fmt::format("'{}' is both delimiter and decimal mark", params.decimal),
                 "set delimiter or decimal");
  }
}

void CheckCsv(const LoadCsvParams& params, plugins::Problems& problems) {
  CheckDelimiter(params, problems);
  const auto single = [&](const char* at, const std::string& text) {
    if (text.size() <= 1 && !HasLineBreak(text)) return;
    problems.Add(at, fmt::format("'{}' is not a single character", text),
                 "write one character of ASCII");
  };
  if (params.quote != "none") single("/quote", params.quote);
  single("/comment", params.comment);
  CheckNames("/columns", params.columns, problems);
  CheckPartitions(params.partitions, problems);
  if (params.timestamp_format.empty()) return;
  const auto format = table::CheckTimestampFormat(params.timestamp_format);
  if (!format.ok()) problems.Add("/timestamp_format", format.error());
}

plugins::ParamSchema<LoadCsvParams> CsvParamsSchema() {
  return plugins::ParamSchema<LoadCsvParams>()
      .AddJson("path", &LoadCsvParams::path, PathsSpec(), kPathsDoc)
      .Required()
      .Add("delimiter", &LoadCsvParams::delimiter,
           "text between fields; tab; or auto, which is one of , ; tab |")
      .AddEnum("header", &LoadCsvParams::header,
               {{"true", table::CsvHeader::kYes},
                {"false", table::CsvHeader::kNo},
                {"auto", table::CsvHeader::kAuto}},
               "whether the first record names the columns")
      .Add("columns", &LoadCsvParams::columns, "names of the columns, instead of the header's")
      .Add("quote", &LoadCsvParams::quote, "quote character, or none")
      .Add("comment", &LoadCsvParams::comment, "lines that start with this character are skipped")
      .Add("skip_rows", &LoadCsvParams::skip_rows, "lines to skip at the start of each file")
      .AtLeast(0)
      .Add("trim", &LoadCsvParams::trim, "strip spaces around every field")
      .Add("null_values", &LoadCsvParams::null_values,
           "texts that mean missing, instead of NA, NaN, null and the like")
      .AddJson("types", &LoadCsvParams::types, ColumnTypesSpec(), kColumnTypesDoc)
      .AddJson("as_text", &LoadCsvParams::as_text, ColumnNamesSpec(), kAsTextDoc)
      .Add("timestamp_format", &LoadCsvParams::timestamp_format,
           "strptime format of timestamps, instead of ISO 8601")
      .AddEnum("decimal", &LoadCsvParams::decimal, {{".", '.'}, {",", ','}}, "decimal mark")
      .AddEnum("encoding", &LoadCsvParams::encoding,
               {{"utf-8", table::CsvEncoding::kUtf8}, {"latin1", table::CsvEncoding::kLatin1}},
               "encoding of the text")
      .AddEnum("ragged", &LoadCsvParams::ragged,
               {{"error", table::CsvRagged::kError}, {"pad", table::CsvRagged::kPad}},
               "what to do with records of too few fields")
      .AddJson("partitions", &LoadCsvParams::partitions, PartitionsSpec(), kPartitionsDoc)
      .Check(CheckCsv);
}

Result<table::CsvOptions> OptionsOf(const LoadCsvParams& params) {
  table::CsvOptions options;
  DML_TRY(options.paths, PathsOf(params.path));
  options.delimiter = params.delimiter == "tab" ? "\t" : params.delimiter;
  options.header = params.header;
  options.columns = params.columns;
  options.quote = params.quote == "none" ? "" : params.quote;
  options.comment = params.comment;
  options.skip_rows = params.skip_rows;
  options.trim = params.trim;
  if (!params.null_values.empty()) options.null_values = params.null_values;
  DML_TRY(options.types, ColumnTypesOf(params.types));
  options.as_text = params.as_text.get<std::set<std::string>>();
  options.timestamp_format = params.timestamp_format;
  options.decimal = params.decimal;
  options.encoding = params.encoding;
  options.ragged = params.ragged;
  DML_TRY(options.partitions, PartitioningOf(params.partitions));
  return options;
}

Result<void> LoadCsv(const LoadCsvParams& params, plugins::StepContext& context) {
  DML_TRY(const table::CsvOptions options, OptionsOf(params));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report, table::LoadCsv(options, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

}  // namespace

plugins::StepType LoadCsvStep() {
  StepSpec spec;
  spec.name = "load.csv";
  spec.algorithm_version = 2;
  spec.summary = "Read delimited text into a table, with types inferred over the whole file";
  spec.outputs = {TablePort("data", "the rows of all files, in order")};
  spec.metrics = LoadMetrics();
  const auto schema = CsvParamsSchema();
  plugins::StepType type = MakeStepType(std::move(spec), schema, LoadCsv);
  type.spec.read_columns = [schema](const Json& params) -> ColumnNames {
    const Result<table::CsvOptions> options = OptionsOf(schema.Read(params));
    if (!options.ok()) return std::nullopt;
    Result<std::vector<std::string>> names = table::ReadCsvNames(*options);
    return names.ok() ? ColumnNames(std::move(names).value()) : std::nullopt;
  };
  return type;
}

}  // namespace dml::steps
