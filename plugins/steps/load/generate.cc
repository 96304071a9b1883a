#include "plugins/table/generate.h"

#include <fmt/format.h>

#include "plugins/steps/load/load_result.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

using Params = table::GenerateOptions;
using Generator = Result<table::LoadReport> (*)(const Params&, const std::string&,
                                                const table::LoadExecution&);

plugins::ParamSchema<Params> Sizes() {
  return plugins::ParamSchema<Params>()
      .Add("n_samples", &Params::rows, "number of rows")
      .AtLeast(1)
      .Add("n_features", &Params::features, "number of columns x_1, x_2, ...")
      .AtLeast(1)
      .Add("seed", &Params::seed, "seed of all draws")
      .Add("partition_rows", &Params::partition_rows, "rows per partition; 0 for about 32 MiB")
      .AtLeast(0);
}

plugins::ParamSchema<Params> WithInformative(plugins::ParamSchema<Params> schema) {
  return schema
      .Add("n_informative", &Params::informative,
           "columns that matter, the rest is noise; 0 for at most 10 of them")
      .AtLeast(0)
      .Check([](const Params& params, plugins::Problems& problems) {
        if (params.informative <= params.features) return;
        problems.Add("/n_informative",
                     fmt::format("{} informative of {} features are too many", params.informative,
                                 params.features),
                     "raise n_features, or lower n_informative");
      });
}

plugins::ParamSchema<Params> RegressionSchema() {
  return WithInformative(Sizes())
      .Add("noise", &Params::noise, "standard deviation of the noise in the target")
      .AtLeast(0);
}

plugins::ParamSchema<Params> ClassificationSchema() {
  return WithInformative(Sizes())
      .Add("n_classes", &Params::classes, "number of classes")
      .AtLeast(1)
      .Add("flip_y", &Params::flip, "share of the labels that are drawn anew")
      .AtLeast(0)
      .AtMost(1)
      .Add("spread", &Params::spread, "standard deviation around the corner of a class")
      .AtLeast(0);
}

plugins::ParamSchema<Params> BlobsSchema() {
  return Sizes()
      .Add("centers", &Params::classes, "number of blobs")
      .AtLeast(1)
      .Add("cluster_std", &Params::spread, "standard deviation of a blob around its centre")
      .AtLeast(0);
}

template <Generator kGenerate>
Result<void> Generate(const Params& params, plugins::StepContext& context) {
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const table::LoadReport report, kGenerate(params, directory, ExecutionOf(context)));
  ReportLoad(report, context);
  return {};
}

// x_1, x_2, ... and the target.
ColumnReader ColumnsWith(std::string target) {
  return [target = std::move(target)](const Json& params) -> ColumnNames {
    const auto features = params.find("n_features");
    if (features == params.end() || !features->is_number_integer()) return std::nullopt;
    std::vector<std::string> names;
    for (std::int64_t j = 1; j <= features->get<std::int64_t>(); ++j) {
      names.push_back("x_" + std::to_string(j));
    }
    names.push_back(target);
    return names;
  };
}

StepSpec Spec(std::string name, std::string target, std::string summary, std::string formula) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.formula = std::move(formula);
  spec.outputs = {TablePort("data", "the generated rows")};
  spec.metrics = LoadMetrics();
  spec.read_columns = ColumnsWith(std::move(target));
  return spec;
}

}  // namespace

void RegisterGenerateSteps(plugins::StepRegistry& registry) {
  registry.Add(MakeStepType(
      Spec("generate.regression", "y", "Artificial rows with a linear target: column y",
           "y = sum_j c_j x_j + noise, x_j ~ N(0, 1), c_j ~ 10 N(0, 1)"),
      RegressionSchema(), Generate<table::GenerateRegression>));
  registry.Add(MakeStepType(
      Spec("generate.classification", "class",
           "Artificial rows of classes around corners of a cube: the label is column class",
           "x_j = corner_kj + spread N(0, 1), corner_kj in {-1, 1} if j is informative, else 0"),
      ClassificationSchema(), Generate<table::GenerateClassification>));
  registry.Add(MakeStepType(Spec("generate.blobs", "cluster",
                                 "Artificial rows in Gaussian blobs: the label is column cluster",
                                 "x ~ N(centre_k, cluster_std^2 I), centre_kj ~ U(-10, 10)"),
                            BlobsSchema(), Generate<table::GenerateBlobs>));
}

}  // namespace dml::steps
