#include "plugins/steps/relational/sql_context.h"

namespace dml::steps {

Result<table::Table> InputTable(const plugins::StepContext& context, std::string_view port) {
  DML_TRY(const Artifact* input, context.Input(port));
  return table::Table::Open(input->files);
}

sql::ConnectionOptions SqlOptionsOf(const plugins::StepContext& context) {
  sql::ConnectionOptions options;
  options.scratch_dir = context.scratch_dir;
  options.memory_bytes = context.memory_bytes;
  options.stop = context.stop;
  return options;
}

NamedExpressions ExpressionsOf(const std::map<std::string, plugins::Expression>& columns) {
  NamedExpressions out;
  for (const auto& [name, expression] : columns) {
    out.names.push_back(name);
    out.texts.push_back({"columns." + name, expression.sql});
  }
  return out;
}

void WarnOfSuspects(const std::vector<sql::UserText>& texts, const table::Schema& schema,
                    plugins::StepContext& context) {
  for (const sql::UserText& text : texts) {
    for (std::string& warning : sql::SuspectTexts(text, schema.Names())) {
      context.warnings.push_back(std::move(warning));
    }
  }
}

void ReportRows(std::uint64_t rows, const std::string& why_none, plugins::StepContext& context) {
  context.metrics["rows"] = rows;
  if (rows == 0) context.warnings.push_back(why_none);
}

}  // namespace dml::steps
