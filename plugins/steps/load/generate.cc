#include "plugins/table/generate.h"

#include "plugins/steps/load/load_result.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

using Params = table::GenerateOptions;
using Generator = Result<table::LoadReport> (*)(const Params&, const std::string&,
                                                const table::LoadExecution&);

plugins::ParamSchema<Params> Schema() {
  return plugins::ParamSchema<Params>()
      .Add("rows", &Params::rows, "number of rows")
      .AtLeast(0)
      .Add("features", &Params::features, "number of columns x_1, x_2, ...")
      .AtLeast(1)
      .Add("informative", &Params::informative, "columns that matter; the rest is noise")
      .AtLeast(0)
      .Add("noise", &Params::noise, "noise of the target, or share of labels drawn anew")
      .AtLeast(0)
      .Add("classes", &Params::classes, "number of classes or centres")
      .AtLeast(1)
      .Add("spread", &Params::spread, "standard deviation around a centre")
      .AtLeast(0)
      .Add("seed", &Params::seed, "seed of all draws")
      .Add("partition_rows", &Params::partition_rows, "rows per partition; 0 for about 32 MiB");
}

template <Generator kGenerate>
Result<void> Generate(const Params& params, plugins::StepContext& context) {
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report, kGenerate(params, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

StepSpec Spec(std::string name, std::string summary, std::string formula) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.formula = std::move(formula);
  spec.outputs = {TablePort("data", "the generated rows")};
  return spec;
}

}  // namespace

void RegisterGenerateSteps(plugins::StepRegistry& registry) {
  registry.Add(MakeStepType(Spec("generate.regression", "Artificial rows with a linear target",
                                 "y = sum_j c_j x_j + noise, x_j ~ N(0, 1), c_j ~ 10 N(0, 1)"),
                            Schema(), Generate<table::GenerateRegression>));
  registry.Add(MakeStepType(
      Spec("generate.classification", "Artificial rows of classes around corners of a cube", ""),
      Schema(), Generate<table::GenerateClassification>));
  registry.Add(MakeStepType(Spec("generate.blobs", "Artificial rows in Gaussian blobs", ""),
                            Schema(), Generate<table::GenerateBlobs>));
}

}  // namespace dml::steps
