#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/load/load_steps.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/readers/jsonl.h"

namespace dml::steps {

namespace {

struct LoadJsonlParams {
  Json path;
  Json types = Json::object();
  Json as_text = Json::array();
  Json partitions = "auto";
};

plugins::ParamSchema<LoadJsonlParams> JsonlParamsSchema() {
  return plugins::ParamSchema<LoadJsonlParams>()
      .AddJson("path", &LoadJsonlParams::path, PathsSpec(), kPathsDoc)
      .Required()
      .AddJson("types", &LoadJsonlParams::types, ColumnTypesSpec(), kColumnTypesDoc)
      .AddJson("as_text", &LoadJsonlParams::as_text, ColumnNamesSpec(), kAsTextDoc)
      .AddJson("partitions", &LoadJsonlParams::partitions, PartitionsSpec(), kPartitionsDoc)
      .Check([](const LoadJsonlParams& params, plugins::Problems& problems) {
        CheckPartitions(params.partitions, problems);
      });
}

Result<void> LoadJsonl(const LoadJsonlParams& params, plugins::StepContext& context) {
  table::JsonlOptions options;
  DML_TRY(options.paths, PathsOf(params.path));
  DML_TRY(options.types, ColumnTypesOf(params.types));
  options.as_text = params.as_text.get<std::set<std::string>>();
  DML_TRY(options.partitions, PartitioningOf(params.partitions));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report,
          table::LoadJsonl(options, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

}  // namespace

plugins::StepType LoadJsonlStep() {
  StepSpec spec;
  spec.name = "load.jsonl";
  spec.algorithm_version = 2;
  spec.summary = "Read JSON lines, one object a row, into a table whose columns are the keys";
  spec.outputs = {TablePort("data", "the rows of all files, in order")};
  spec.metrics = LoadMetrics();
  return MakeStepType(std::move(spec), JsonlParamsSchema(), LoadJsonl);
}

}  // namespace dml::steps
