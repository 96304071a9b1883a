#include "plugins/steps/transform/preprocess_steps.h"

#include "plugins/steps/load/load_result.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/table/parallel_partitions.h"

namespace dml::steps {

namespace {

Result<FittedTransformPtr> Fit(const TransformType& type, const Json& params,
                               const table::Table& table, const plugins::StepContext& context) {
  if (type.learns && table.rows() == 0) {
    return Error::Invalid("the table has no rows to learn from");
  }
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  DML_TRY(const RowView rows, RowView::Of(table, table.schema().Names()));
  return type.fit(params, rows, execution);
}

// A transform as a step of its own, from a table to a table.
class PreprocessStep final : public plugins::Step {
 public:
  PreprocessStep(const TransformType& type, Json params)
      : type_(type), params_(std::move(params)) {}

  Result<void> Run(plugins::StepContext& context) const override {
    DML_TRY(const Artifact* input, context.Input("data"));
    DML_TRY(const table::Table table, table::Table::Open(input->files));
    table::Table learn_from = table;
    if (const auto others = context.Inputs("fit_on"); !others.empty()) {
      DML_TRY(learn_from, table::Table::Open(others.front()->files));
    }
    DML_TRY(const FittedTransformPtr fitted, Fit(type_, params_, learn_from, context));
    DML_TRY(const RowView rows, RowView::Of(table, table.schema().Names()));
    DML_TRY(const RowView seen, rows.Through(fitted));
    DML_TRY(const std::string directory, context.OutputDirectory("data"));
    table::TableWriter writer(directory, seen.schema());
    const auto work = [&](std::size_t p) -> Result<void> {
      DML_TRY(table::Batch batch, table.Read(p));
      DML_TRY(const table::Batch applied, fitted->Apply(std::move(batch)));
      return writer.Write(p, applied);
    };
    DML_RETURN_IF_ERROR(
        table::ForEachPartition(table.partition_count(), ExecutionOf(context), work));
    context.metrics["rows"] = table.rows();
    return writer.Finish();
  }

 private:
  const TransformType& type_;
  const Json params_;
};

plugins::StepType TableStep(const TransformType& type) {
  StepSpec spec;
  spec.name = "preprocess." + type.spec.name;
  spec.summary = type.spec.summary;
  spec.formula = type.spec.formula;
  spec.algorithm_version = type.version;
  spec.params = type.spec.params;
  spec.check = type.spec.check;
  spec.columns = type.spec.columns;
  spec.check_columns = type.spec.check_columns;
  for (ParamSpec& param : spec.params) {
    if (type.table_defaults.contains(param.name)) {
      param.default_value = type.table_defaults.at(param.name);
    }
  }
  spec.inputs = {TablePort("data", "the rows to transform")};
  if (type.learns) {
    PortSpec fit_on = TablePort("fit_on", "the rows to learn from, if not those of data");
    fit_on.required = false;
    spec.inputs.push_back(std::move(fit_on));
  }
  spec.outputs = {TablePort("data", "the rows transformed, in the same order")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  spec.row_local = !type.learns;
  auto make = [&type](const Json& params) -> Result<std::unique_ptr<plugins::Step>> {
    Json bound = type.table_defaults;
    for (const auto& [key, value] : params.items()) {
      if (!value.is_null()) bound[key] = value;
    }
    return std::unique_ptr<plugins::Step>(std::make_unique<PreprocessStep>(type, std::move(bound)));
  };
  return {std::move(spec), std::move(make)};
}

}  // namespace

void RegisterTransformSteps(plugins::StepRegistry& registry) {
  for (const TransformType& type : TransformTypes()) {
    registry.AddTransform(type.spec);
    if (!type.has_own_step) registry.Add(TableStep(type));
  }
  RegisterDropMissing(registry);
}

}  // namespace dml::steps
