#include "plugins/steps/training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/files.h"
#include "plugins/api/panel.h"
#include "plugins/learn/model_file.h"
#include "plugins/learn/tile_cache.h"
#include "plugins/steps/design_matrix.h"

namespace dml::steps {

namespace {

constexpr std::uint64_t kTileCacheBytes = 512ULL << 20;
constexpr std::size_t kBarsMax = 40;

Result<std::vector<std::string>> FeatureColumns(const table::Schema& schema,
                                                const TrainingParams& params) {
  for (const std::string& name : params.drop) DML_RETURN_IF_ERROR(schema.Find(name));
  std::vector<std::string> columns;
  for (const table::Field& field : schema.fields) {
    const bool dropped = std::ranges::find(params.drop, field.name) != params.drop.end();
    if (!dropped && field.name != params.target.name) columns.push_back(field.name);
  }
  return columns;
}

Json WeightsPanel(const std::vector<std::string>& names, const std::vector<double>& weights) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return std::fabs(weights[i]); });
  order.resize(std::min(order.size(), kBarsMax));
  std::vector<std::string> labels;
  std::vector<double> values;
  for (const std::size_t i : order) {
    labels.push_back(names[i]);
    values.push_back(weights[i]);
  }
  return plugins::BarsPanel("Feature weights", labels, values);
}

Result<void> WritePanels(const learn::Model& model, plugins::StepContext& context) {
  Json panels = Json::array();
  const std::vector<double> weights = model.predictor->FeatureWeights();
  if (weights.size() == model.feature_names.size()) {
    panels.push_back(WeightsPanel(model.feature_names, weights));
  }
  const learn::Certificate& certificate = model.certificate;
  if (certificate.objective_history.size() > 1) {
    std::vector<double> steps(certificate.objective_history.size());
    std::iota(steps.begin(), steps.end(), 0.0);
    panels.push_back(plugins::LinesPanel("Objective", "iteration", "objective",
                                         {{"objective", steps, certificate.objective_history}}));
  }
  panels.push_back(plugins::NotesPanel(
      "Certificate", certificate.converged ? "good" : "warning",
      {certificate.converged ? "The fit converged: " + certificate.stopped_because + "."
                             : "The fit did not converge: " + certificate.stopped_because + "."}));
  DML_TRY(const std::string directory, context.OutputDirectory("report"));
  return WriteFileAtomic(directory + "/panels.json", CanonicalJson({{"panels", panels}}));
}

Result<Target> ReadTarget(const TrainingParams& params, learn::ModelTask task,
                          const table::Table& table) {
  if (task == learn::ModelTask::kClassification) {
    return ReadClassTarget(table, params.target.name, {});
  }
  if (task == learn::ModelTask::kRegression) return ReadNumericTarget(table, params.target.name);
  return Target{};
}

}  // namespace

StepSpec TrainingSpec(std::string name, std::string summary, std::string formula) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.formula = std::move(formula);
  PortSpec data;
  data.name = "data";
  data.doc = "the rows to learn from";
  spec.inputs = {data};
  PortSpec model;
  model.name = "model";
  model.kind = PortKind::kModel;
  model.doc = "the fitted model";
  PortSpec report;
  report.name = "report";
  report.kind = PortKind::kFile;
  report.doc = "panels for the report";
  spec.outputs = {model, report};
  return spec;
}

Result<void> Train(const TrainingParams& params, learn::ModelTask task, bool allow_missing,
                   const Fit& fit, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  if (table.rows() == 0) return Error::Invalid("the table has no rows to learn from");
  DML_TRY(Target target, ReadTarget(params, task, table));
  DML_TRY(std::vector<std::string> columns, FeatureColumns(table.schema(), params));
  DML_TRY(const auto matrix,
          DesignMatrix::Make(table, std::move(columns), std::move(target.values), allow_missing));
  DML_RETURN_IF_ERROR(MakeDirectories(context.scratch_dir));
  const learn::TileCache tiles(*matrix, kTileCacheBytes, context.scratch_dir);
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  DML_TRY(learn::FitResult fitted, fit(tiles, static_cast<int>(target.classes.size()), execution));

  learn::Model model;
  model.predictor = std::move(fitted.predictor);
  model.certificate = std::move(fitted.certificate);
  model.target = params.target.name;
  model.schema = table.schema().ToJson();
  model.classes = target.classes;
  model.feature_names = matrix->feature_names();
  context.metrics["rows"] = table.rows();
  context.metrics["features"] = model.feature_names.size();
  context.metrics["iterations"] = model.certificate.iterations;
  context.metrics["converged"] = model.certificate.converged;
  context.warnings.insert(context.warnings.end(), model.certificate.warnings.begin(),
                          model.certificate.warnings.end());
  DML_RETURN_IF_ERROR(WritePanels(model, context));
  DML_TRY(const std::string directory, context.OutputDirectory("model"));
  return learn::WriteModelFile(directory + "/model.safetensors", model);
}

}  // namespace dml::steps
