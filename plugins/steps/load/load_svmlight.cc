#include <optional>

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/load/load_steps.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/readers/svmlight.h"

namespace dml::steps {

namespace {

struct LoadSvmlightParams {
  Json path;
  std::optional<bool> zero_based;
  std::optional<std::int64_t> features;
  Json partitions = "auto";
};

plugins::ParamSchema<LoadSvmlightParams> SvmlightParamsSchema() {
  return plugins::ParamSchema<LoadSvmlightParams>()
      .AddJson("path", &LoadSvmlightParams::path, PathsSpec(), kPathsDoc)
      .Required()
      .Add("zero_based", &LoadSvmlightParams::zero_based,
           "whether indices start at 0; otherwise they do if any index is 0")
      .Add(
          "features", &LoadSvmlightParams::features,
          "number of features, instead of the largest index; needed where a second file is to have "
          "the width of the first")
      .AtLeast(1)
      .AddJson("partitions", &LoadSvmlightParams::partitions, PartitionsSpec(), kPartitionsDoc)
      .Check([](const LoadSvmlightParams& params, plugins::Problems& problems) {
        CheckPartitions(params.partitions, problems);
      });
}

Result<void> LoadSvmlight(const LoadSvmlightParams& params, plugins::StepContext& context) {
  table::SvmlightOptions options;
  DML_TRY(options.paths, PathsOf(params.path));
  options.zero_based = params.zero_based;
  options.features = params.features.value_or(0);
  DML_TRY(options.partitions, PartitioningOf(params.partitions));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report,
          table::LoadSvmlight(options, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

}  // namespace

plugins::StepType LoadSvmlightStep() {
  StepSpec spec;
  spec.name = "load.svmlight";
  spec.summary = "Read svmlight / LIBSVM rows into the columns label, qid and features (sparse)";
  spec.outputs = {TablePort("data", "the rows of all files, in order")};
  spec.metrics = LoadMetrics();
  return MakeStepType(std::move(spec), SvmlightParamsSchema(), LoadSvmlight);
}

}  // namespace dml::steps
