#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/load/load_steps.h"
#include "plugins/steps/step_type.h"
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
  std::string timestamp_format;
  char decimal = '.';
  table::CsvEncoding encoding = table::CsvEncoding::kUtf8;
  table::CsvRagged ragged = table::CsvRagged::kError;
  Json partitions = "auto";
};

plugins::ParamSchema<LoadCsvParams> Schema() {
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
      .Add("timestamp_format", &LoadCsvParams::timestamp_format,
           "strptime format of timestamps, instead of ISO 8601")
      .AddEnum("decimal", &LoadCsvParams::decimal, {{".", '.'}, {",", ','}}, "decimal mark")
      .AddEnum("encoding", &LoadCsvParams::encoding,
               {{"utf-8", table::CsvEncoding::kUtf8}, {"latin1", table::CsvEncoding::kLatin1}},
               "encoding of the text")
      .AddEnum("ragged", &LoadCsvParams::ragged,
               {{"error", table::CsvRagged::kError}, {"pad", table::CsvRagged::kPad}},
               "what to do with records of too few fields")
      .AddJson("partitions", &LoadCsvParams::partitions, PartitionsSpec(), kPartitionsDoc);
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
  spec.summary = "Read delimited text into a table, with types inferred over the whole file";
  spec.outputs = {TablePort("data", "the rows of all files, in order")};
  return MakeStepType(std::move(spec), Schema(), LoadCsv);
}

}  // namespace dml::steps
