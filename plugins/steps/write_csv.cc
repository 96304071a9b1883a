#include "plugins/table/csv/write_csv.h"

#include <fmt/format.h>

#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/table.h"

namespace dml::steps {

namespace {

struct WriteParams {
  plugins::OutputPath path;
  bool header = true;
  std::string null_value;
};

Result<void> WriteCsv(const WriteParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(table::CsvWriter writer,
          table::CsvWriter::Create(params.path.path, {',', params.header, params.null_value}));
  for (const table::Field& field : table.schema().fields) {
    if (field.type != table::ColumnType::kSparse) continue;
    context.warnings.push_back(fmt::format(
        "the column '{}' is sparse and is written as index:value pairs, without the names of its "
        "{} features; sparse_output: false in the step that makes it gives a column for each",
        field.name, field.width));
  }
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p));
    DML_RETURN_IF_ERROR(writer.Append(batch));
  }
  context.metrics["rows"] = table.rows();
  return writer.Commit();
}

}  // namespace

void RegisterWriteSteps(plugins::StepRegistry& registry) {
  StepSpec write;
  write.name = "write.csv";
  write.summary = "Write a table as delimited text, replacing the file in one step";
  write.inputs = {TablePort("data", "the rows to write")};
  write.cacheable = false;
  write.metrics = std::vector<MetricSpec>{{"rows", "rows that were written"}};
  plugins::ParamSchema<WriteParams> schema;
  schema.Add("path", &WriteParams::path, "the file to write")
      .Required()
      .Add("header", &WriteParams::header, "write the names of the columns first")
      .Add("null_value", &WriteParams::null_value, "text for missing values");
  registry.Add(MakeStepType(std::move(write), schema, WriteCsv));
}

}  // namespace dml::steps
