#include <algorithm>

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/load/load_steps.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/readers/matrix.h"

namespace dml::steps {

namespace {

struct LoadNpyParams {
  plugins::InputPath path;
  plugins::InputPath labels;
  std::vector<std::string> columns;
  Json partitions = "auto";
};

plugins::ParamSchema<LoadNpyParams> NpySchema() {
  return plugins::ParamSchema<LoadNpyParams>()
      .Add("path", &LoadNpyParams::path, "file of one array; the axes after the first are columns")
      .Required()
      .Add("labels", &LoadNpyParams::labels,
           "file of one value per row, which becomes the column 'label'")
      .Add("columns", &LoadNpyParams::columns,
           "names of the columns, instead of column_1, column_2, ...")
      .AddJson("partitions", &LoadNpyParams::partitions, PartitionsSpec(), kPartitionsDoc)
      .Check([](const LoadNpyParams& params, plugins::Problems& problems) {
        CheckPartitions(params.partitions, problems);
        CheckNames("/columns", params.columns, problems);
        const auto label = std::ranges::find(params.columns, "label");
        if (params.labels.path.empty() || label == params.columns.end()) return;
        problems.Add("/columns/" + std::to_string(label - params.columns.begin()),
                     "a column is named 'label', as the labels are", "give it another name");
      });
}

Result<void> LoadNpy(const LoadNpyParams& params, plugins::StepContext& context) {
  table::NpyOptions options;
  options.path = params.path.path;
  options.labels = params.labels.path;
  options.columns = params.columns;
  DML_TRY(options.partitions, PartitioningOf(params.partitions));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report, table::LoadNpy(options, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

struct LoadIdxParams {
  plugins::InputPath images;
  plugins::InputPath labels;
  Json partitions = "auto";
};

plugins::ParamSchema<LoadIdxParams> IdxSchema() {
  return plugins::ParamSchema<LoadIdxParams>()
      .Add("images", &LoadIdxParams::images,
           "file of images; every pixel is a column pixel_1, pixel_2, ...; .gz is read as it is")
      .Required()
      .Add("labels", &LoadIdxParams::labels,
           "file of one number per image, which becomes the column 'label'")
      .AddJson("partitions", &LoadIdxParams::partitions, PartitionsSpec(), kPartitionsDoc)
      .Check([](const LoadIdxParams& params, plugins::Problems& problems) {
        CheckPartitions(params.partitions, problems);
      });
}

Result<void> LoadIdx(const LoadIdxParams& params, plugins::StepContext& context) {
  table::IdxOptions options;
  options.images = params.images.path;
  options.labels = params.labels.path;
  DML_TRY(options.partitions, PartitioningOf(params.partitions));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report, table::LoadIdx(options, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

StepSpec Spec(std::string name, std::string summary) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.outputs = {TablePort("data", "one row per entry of the first axis")};
  spec.metrics = LoadMetrics();
  return spec;
}

}  // namespace

plugins::StepType LoadNpyStep() {
  return MakeStepType(Spec("load.npy", "Read a NumPy array into a table"), NpySchema(), LoadNpy);
}

plugins::StepType LoadIdxStep() {
  return MakeStepType(Spec("load.idx", "Read images and labels in the format of MNIST"),
                      IdxSchema(), LoadIdx);
}

}  // namespace dml::steps
