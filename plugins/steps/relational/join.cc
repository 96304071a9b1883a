#include "plugins/table/sql/join.h"

#include <fmt/format.h>

#include <set>

#include "plugins/steps/load/load_result.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

struct JoinParams {
  Json on;
  sql::JoinKind how = sql::JoinKind::kInner;
  std::string suffix = "_right";
};

// A column, a list of columns, or {column of the left: column of the right}.
ParamSpec KeysSpec() {
  ParamSpec column;
  column.type = ParamType::kColumn;
  ParamSpec list;
  list.type = ParamType::kList;
  list.element = {column};
  list.minimum = 1;
  ParamSpec map;
  map.type = ParamType::kMap;
  map.element = {column};
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.element = {column, list, map};
  return spec;
}

std::vector<std::pair<std::string, std::string>> KeysOf(const Json& on) {
  std::vector<std::pair<std::string, std::string>> keys;
  if (on.is_object()) {
    for (const auto& [left, right] : on.items()) keys.emplace_back(left, right);
  } else if (on.is_array()) {
    for (const Json& name : on) keys.emplace_back(name, name);
  } else {
    keys.emplace_back(on, on);
  }
  return keys;
}

void CheckKeys(const JoinParams& params, plugins::Problems& problems) {
  const auto keys = KeysOf(params.on);
  if (keys.empty()) problems.Add("/on", "on: no key is named", "name a column of both tables");
  std::set<std::string> left;
  for (const auto& [key, other] : keys) {
    if (left.insert(key).second) continue;
    problems.Add("/on", fmt::format("the column '{}' is listed twice", key), "name it once");
  }
}

Result<void> JoinTables(const JoinParams& params, plugins::StepContext& context) {
  DML_TRY(const table::Table left, InputTable(context, "left"));
  DML_TRY(const table::Table right, InputTable(context, "right"));
  sql::JoinOptions options;
  options.kind = params.how;
  options.suffix = params.suffix;
  options.scratch_dir = context.scratch_dir;
  options.on = KeysOf(params.on);
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const sql::QueryResult result,
          sql::Join(left, right, options, ExecutionOf(context), directory));
  ReportRows(result.rows, "no row of the left has a match in the right", context);
  return {};
}

}  // namespace

plugins::StepType JoinStep() {
  StepSpec spec;
  spec.name = "join";
  spec.summary = "Put rows of two tables with equal keys beside each other";
  spec.formula = "left columns, then right columns without the keys; a missing key matches nothing";
  spec.inputs = {TablePort("left", "the rows that set the order"),
                 TablePort("right", "the rows that are looked up")};
  spec.table_only = "it needs a second table, which a model does not carry";
  spec.outputs = {TablePort("data", "the pairs, in the order of the left")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  plugins::ParamSchema<JoinParams> schema;
  schema
      .AddJson("on", &JoinParams::on, KeysSpec(),
               "key column, list of them, or {column of the left: column of the right}")
      .Required()
      .AddEnum("how", &JoinParams::how,
               {{"inner", sql::JoinKind::kInner},
                {"left", sql::JoinKind::kLeft},
                {"right", sql::JoinKind::kRight},
                {"full", sql::JoinKind::kFull}},
               "which rows without a match are kept: none, of the left, of the right, of both")
      .Add("suffix", &JoinParams::suffix,
           "added to columns of the right whose name the left has too");
  schema.Check(CheckKeys);
  return MakeStepType(std::move(spec), schema, JoinTables);
}

}  // namespace dml::steps
