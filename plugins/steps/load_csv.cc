#include <fmt/format.h>
#include <glob.h>

#include <map>

#include "plugins/steps/load_result.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/csv/csv.h"

namespace dml::steps {

namespace {

struct LoadCsvParams {
  plugins::InputPath path;
  std::string delimiter = ",";
  table::CsvHeader header = table::CsvHeader::kYes;
  std::vector<std::string> columns;
  std::string quote = "\"";
  std::string comment;
  int skip_rows = 0;
  bool trim = false;
  std::vector<std::string> null_values;
  std::map<std::string, std::string> types;
  std::string timestamp_format;
  std::string decimal = ".";
  table::CsvEncoding encoding = table::CsvEncoding::kUtf8;
  table::CsvRagged ragged = table::CsvRagged::kError;
  Json partitions = "auto";
};

plugins::ParamSchema<LoadCsvParams> Schema() {
  ParamSpec partitions;
  partitions.type = ParamType::kAny;
  partitions.default_value = "auto";
  return plugins::ParamSchema<LoadCsvParams>()
      .Add("path", &LoadCsvParams::path, "file or glob; .gz and .zst are read as they are")
      .Required()
      .Add("delimiter", &LoadCsvParams::delimiter, "text between fields, or auto")
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
      .Add("types", &LoadCsvParams::types,
           "types by column, instead of inference: float64, float32, int64, bool, timestamp, "
           "category, string")
      .Add("timestamp_format", &LoadCsvParams::timestamp_format,
           "strptime format of timestamps, instead of ISO 8601")
      .Add("decimal", &LoadCsvParams::decimal, "decimal point: . or ,")
      .AddEnum("encoding", &LoadCsvParams::encoding,
               {{"utf-8", table::CsvEncoding::kUtf8}, {"latin1", table::CsvEncoding::kLatin1}},
               "encoding of the text")
      .AddEnum("ragged", &LoadCsvParams::ragged,
               {{"error", table::CsvRagged::kError}, {"pad", table::CsvRagged::kPad}},
               "what to do with records of too few fields")
      .AddJson("partitions", &LoadCsvParams::partitions, partitions,
               "auto, a number of partitions, or a size such as 64Mi");
}

std::vector<std::string> ExpandGlob(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t matches{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  ::globfree(&matches);
  return paths;
}

Result<table::CsvOptions> OptionsOf(const LoadCsvParams& params) {
  table::CsvOptions options;
  options.paths = ExpandGlob(params.path.path);
  if (options.paths.empty()) {
    return Error::Invalid(fmt::format("no file matches '{}'", params.path.path));
  }
  options.delimiter = params.delimiter;
  options.header = params.header;
  options.columns = params.columns;
  options.quote = params.quote == "none" ? "" : params.quote;
  options.comment = params.comment;
  options.skip_rows = params.skip_rows;
  options.trim = params.trim;
  if (!params.null_values.empty()) options.null_values = params.null_values;
  for (const auto& [column, name] : params.types) {
    DML_TRY(options.types[column], table::ParseColumnType(name));
  }
  options.timestamp_format = params.timestamp_format;
  options.decimal = params.decimal == "," ? ',' : '.';
  options.encoding = params.encoding;
  options.ragged = params.ragged;
  const std::string partitions = params.partitions.is_string()
                                     ? params.partitions.get<std::string>()
                                     : params.partitions.dump();
  DML_TRY(options.partitions, table::Partitioning::Parse(partitions));
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

void RegisterLoadSteps(plugins::StepRegistry& registry) {
  StepSpec spec;
  spec.name = "load.csv";
  spec.summary = "Read delimited text into a table, with types inferred over the whole file";
  spec.outputs = {TablePort("data", "the rows of all files, in order")};
  registry.Add(MakeStepType(std::move(spec), Schema(), LoadCsv));
}

}  // namespace dml::steps
