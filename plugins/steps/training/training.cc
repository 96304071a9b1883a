#include "plugins/steps/training/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_set>

#include "base/files.h"
#include "plugins/learn/model_file.h"
#include "plugins/steps/evaluation/positive_class.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/training/leakage.h"
#include "plugins/steps/training/model_panels.h"
#include "plugins/steps/training/perfect_fit.h"
#include "plugins/steps/training/pipeline_fit.h"
#include "plugins/steps/transform/chain.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/row_rule.h"

namespace dml::steps {

namespace {

// Every column that is not the target, a weight or dropped. How a model is validated does not
// change it: the column that groups rows for that is a feature like any other, unless it is
// dropped.
Result<std::vector<std::string>> FeatureColumns(const table::Schema& schema,
                                                const TrainingParams& params) {
  std::vector<std::string> others;
  for (const plugins::ColumnName& column : params.drop) others.push_back(column.name);
  if (!params.target.empty()) others.push_back(params.target.name);
  if (!params.weight.empty()) others.push_back(params.weight.name);
  for (const std::string& name : others) DML_RETURN_IF_ERROR(schema.Find(name));
  const std::unordered_set<std::string_view> hidden(others.begin(), others.end());
  if (params.validate && !params.validate->group.empty()) {
    DML_RETURN_IF_ERROR(schema.Find(params.validate->group.name));
  }
  std::vector<std::string> columns;
  for (const table::Field& field : schema.fields) {
    if (!hidden.contains(field.name)) columns.push_back(field.name);
  }
  return columns;
}

// Rows of weight 0 count as absent, so somebody of those that are kept has to be there.
Result<void> RequireWeight(const table::Table& table, const std::string& column,
                           const RowView& kept) {
  DML_TRY(const std::size_t index, table.schema().Find(column));
  const table::ColumnType type = table.schema().fields[index].type;
  if (!IsNumeric(type)) {
    return Error::Invalid(
        fmt::format("the weight '{}' is {}, not a number", column, table::ColumnTypeName(type)),
        "weights are finite numbers of at least 0: name a numeric column, or cast this one if it "
        "holds numbers");
  }
  DML_TRY(const RowView all, RowView::Of(table, {column}));
  bool counts = false;
  const auto look = [&](const table::Batch& batch) -> Result<void> {
    if (counts) return {};
    DML_TRY(const Numbers weights, ReadNumbers(batch, column));
    for (std::size_t row = 0; row < weights.size() && !counts; ++row) counts = weights[row] != 0.0;
    return {};
  };
  DML_RETURN_IF_ERROR(all.SelectAs(kept).ForEachBatch(look));
  if (counts) return {};
  return Error::Invalid(fmt::format("the weight '{}' is 0 in every row", column),
                        "a row needs a weight above 0 to be learnt from");
}

// Every row is kept so far.
Result<TrainingRows> OpenRows(const TrainingParams& params, const plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(table::Table table, table::Table::Open(input->files));
  if (table.rows() == 0) return Error::Invalid("the table has no rows to learn from");
  DML_TRY(std::vector<std::string> columns, FeatureColumns(table.schema(), params));
  DML_TRY(RowView raw, RowView::Of(table, std::move(columns)));
  RowView kept = raw;
  return TrainingRows{std::move(table), std::move(raw), std::move(kept), {}};
}

Result<void> LearnLabels(const TrainingParams& params, learn::ModelTask task, TrainingRows& rows) {
  rows.labels.weight_column = params.weight.name;
  if (!params.weight.empty()) {
    DML_RETURN_IF_ERROR(RequireWeight(rows.table, params.weight.name, rows.kept));
  }
  if (params.target.empty()) return {};
  DML_TRY(const RowView values, TargetValues(rows.table, params.target.name, rows.kept));
  DML_TRY(rows.labels.target, LearnTarget(values, task));
  return {};
}

// Rows, preprocessing and labels. What is wrong with the target is said before anything is fitted,
// unless it may be wrong in rows only that preprocessing drops.
Result<RowView> Preprocess(const TrainingParams& params, learn::ModelTask task, TrainingRows& rows,
                           const plugins::StepContext& context) {
  const bool drops = DropsRows(params.preprocess);
  if (!drops) DML_RETURN_IF_ERROR(LearnLabels(params, task, rows));
  DML_TRY(RowView seen, FitPreprocessing(params, rows.raw, context));
  rows.kept = rows.raw.SelectAs(seen);
  if (drops) DML_RETURN_IF_ERROR(LearnLabels(params, task, rows));
  return seen;
}

void ReportDropped(const RowView& kept, plugins::StepContext& context) {
  if (kept.dropped().empty()) return;
  const DroppedRows dropped = DescribeDropped(kept);
  context.metrics["dropped"] = dropped.rows;
  if (dropped.rows == 0) return;
  context.warnings.push_back(fmt::format(
      "preprocess drops {} ({}): the model is fitted to the other {}, and has no prediction for "
      "such rows",
      dropped.share, dropped.by, kept.rows()));
}

learn::Model MakeModel(const TrainingParams& params, const TrainingRows& rows,
                       FittedPipeline pipeline, const plugins::StepContext& context) {
  learn::Model model;
  model.params = context.params;
  model.predictor = std::move(pipeline.fit.predictor);
  model.certificate = std::move(pipeline.fit.certificate);
  model.target = params.target.name;
  model.schema = rows.raw.schema().ToJson();
  model.preprocessing = SaveChain(params.preprocess, pipeline.rows);
  model.classes = rows.labels.target.classes;
  model.feature_names = std::move(pipeline.feature_names);
  return model;
}

void ReportFit(const TrainingRows& rows, const learn::Model& model, plugins::StepContext& context) {
  context.metrics["rows"] = rows.kept.rows();
  context.metrics["features"] = model.feature_names.size();
  context.metrics["iterations"] = model.certificate.iterations;
  context.metrics["converged"] = model.certificate.converged;
  for (const auto& [name, value] : model.certificate.numbers.items()) {
    if (value.is_number()) context.metrics[name] = value;
  }
  context.warnings.insert(context.warnings.end(), model.certificate.warnings.begin(),
                          model.certificate.warnings.end());
}

}  // namespace

StepSpec TrainingSpec(std::string name, std::string summary, std::string formula) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.formula = std::move(formula);
  spec.inputs = {TablePort("data", "the rows to learn from")};
  spec.outputs = {ModelPort("the fitted model"), ReportPort()};
  return spec;
}

ParamSpec PreprocessSpec() {
  ParamSpec spec;
  spec.type = ParamType::kTransforms;
  return spec;
}

const plugins::ParamSchema<ValidateParams>& ValidateSchema() {
  static const auto schema = [] {
    plugins::ParamSchema<ValidateParams> built;
    built.Add("folds", &ValidateParams::folds, "number of folds")
        .AtLeast(2)
        .Add("scoring", &ValidateParams::scoring,
             "scores by scikit-learn's names; accuracy or r2 by default")
        .Add("group", &ValidateParams::group,
             "a column whose equal values stay in one fold; it is a feature all the same, unless "
             "`drop` names it")
        .Add("stratify", &ValidateParams::stratify, "classes keep their shares in every fold")
        .Add("seed", &ValidateParams::seed, "seed of the shuffle")
        .AddJson("positive", &ValidateParams::positive, PositiveSpec(),
                 "the class of two that scores such as f1 are about; the second one if absent");
    return built;
  }();
  return schema;
}

// Such a class cannot be learnt and tested at once, and is often a typing error.
Result<void> WarnOfSingleRows(const TrainingRows& rows, plugins::StepContext& context) {
  const Target& target = rows.labels.target;
  if (target.classes.empty()) return {};
  DML_TRY(const RowView values, TargetValues(rows.table, target.column, rows.kept));
  DML_TRY(const std::vector<std::uint64_t> counts, CountClasses(values, target));
  const auto single = std::ranges::count(counts, 1U);
  if (single == 0) return {};
  const std::string& first =
      target.classes[static_cast<std::size_t>(std::ranges::find(counts, 1U) - counts.begin())];
  context.warnings.push_back(
      single == 1
          ? fmt::format("the class '{}' has a single row", first)
          : fmt::format("{} classes, '{}' among them, have a single row each", single, first));
  return {};
}

Result<void> Train(const TrainingParams& params, const Estimator& estimator,
                   plugins::StepContext& context) {
  DML_TRY(TrainingRows rows, OpenRows(params, context));
  DML_TRY(const RowView seen, Preprocess(params, estimator.task, rows, context));
  DML_TRY(FittedPipeline pipeline, FitEstimator(params, estimator, rows, seen, context));
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  DML_TRY(Leakage leakage, FindLeakage(rows, pipeline, estimator.allow_missing, execution));
  const bool teller_named = !leakage.warnings.empty();
  context.warnings = std::move(leakage.warnings);
  const std::vector<std::string> carrying = CarryingFeatures(pipeline, leakage.deviations);
  ReportDropped(rows.kept, context);
  std::ranges::move(ChainWarnings(pipeline.rows), std::back_inserter(context.warnings));
  DML_RETURN_IF_ERROR(WarnOfSingleRows(rows, context));
  learn::Model model = MakeModel(params, rows, std::move(pipeline), context);
  ReportFit(rows, model, context);
  std::optional<CrossValidation> validation;
  if (params.validate) {
    DML_TRY(validation, CrossValidate(params, estimator, rows, context));
    model.metrics = validation->metrics;
    context.metrics.update(validation->metrics);
    context.warnings.insert(context.warnings.end(), validation->warnings.begin(),
                            validation->warnings.end());
  }
  if (teller_named) {
    // It is said already.
  } else if (validation && validation->perfect) {
    context.warnings.push_back(TooGoodOnNewRows(params.target.name, carrying));
  } else if (leakage.explained) {
    context.warnings.push_back(TooGoodOnOwnRows(params.target.name, carrying));
  }
  DML_TRY(const std::string reports, context.OutputDirectory("report"));
  const Json panels = ModelPanels(model, validation ? &*validation : nullptr);
  DML_RETURN_IF_ERROR(
      WriteFileAtomic(reports + "/panels.json", CanonicalJson({{"panels", panels}})));
  DML_TRY(const std::string directory, context.OutputDirectory("model"));
  return learn::WriteModelFile(directory + "/model.safetensors", model);
}

}  // namespace dml::steps
