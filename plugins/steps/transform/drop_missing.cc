// drop_missing: the step, and the rule inside a model.

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/register.h"
#include "plugins/steps/split/select_rows.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/preprocess_steps.h"
#include "plugins/steps/transform/row_rule.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

namespace {

enum class How { kAny, kAll };

struct DropMissingParams {
  plugins::Columns columns{"all", {}};
  How how = How::kAny;
};

// Which rows lack a value in any, or in all, of some columns.
std::vector<bool> FindMissing(const std::vector<const table::Column*>& columns, std::size_t rows,
                              How how) {
  std::vector<bool> gone(rows, how == How::kAll && !columns.empty());
  for (const table::Column* column : columns) {
    for (std::size_t row = 0; row < rows; ++row) {
      if (how == How::kAny && !column->IsValid(row)) gone[row] = true;
      if (how == How::kAll && column->IsValid(row)) gone[row] = false;
    }
  }
  return gone;
}

Result<void> DropMissing(const DropMissingParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(const auto columns, ResolveColumns(params.columns, table.schema()));
  std::vector<bool> gone;
  for (std::size_t p = 0; p < table.partition_count() && !columns.empty(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, columns));
    std::vector<const table::Column*> looked_at;
    for (const table::Column& column : batch.columns) looked_at.push_back(&column);
    const std::vector<bool> part = FindMissing(looked_at, batch.rows, params.how);
    gone.insert(gone.end(), part.begin(), part.end());
  }
  gone.resize(table.rows());
  DML_TRY(const auto rows,
          WriteSelections(table, {{"data", [&gone](std::uint64_t row) { return !gone[row]; }}},
                          context));
  context.metrics["rows"] = rows[0];
  context.metrics["dropped"] = table.rows() - rows[0];
  return {};
}

class DropMissingRule final : public RowRule {
 public:
  DropMissingRule(std::vector<std::string> columns, How how)
      : columns_(std::move(columns)), how_(how) {}

  [[nodiscard]] std::string_view name() const override { return "drop_missing"; }
  [[nodiscard]] bool JudgesValues() const override { return false; }

  [[nodiscard]] Result<std::vector<std::uint32_t>> Keep(const table::Batch& batch) const override {
    DML_TRY(const std::vector<const table::Column*> columns, Find(batch));
    const std::vector<bool> gone = FindMissing(columns, batch.rows, how_);
    std::vector<std::uint32_t> kept;
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
      if (!gone[row]) kept.push_back(row);
    }
    return kept;
  }

  [[nodiscard]] Result<table::Batch> Apply(table::Batch batch) const override {
    DML_RETURN_IF_ERROR(Find(batch));
    return batch;
  }

  [[nodiscard]] Json Save() const override {
    return {{"columns", columns_}, {"how", how_ == How::kAny ? "any" : "all"}};
  }

  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<DropMissingRule>(
        saved.at("columns").get<std::vector<std::string>>(),
        saved.at("how").get<std::string>() == "any" ? How::kAny : How::kAll);
  }

 private:
  [[nodiscard]] Result<std::vector<const table::Column*>> Find(const table::Batch& batch) const {
    std::vector<const table::Column*> found;
    for (const std::string& name : columns_) {
      DML_TRY(const table::Column* column, batch.Find(name));
      found.push_back(column);
    }
    return found;
  }

  const std::vector<std::string> columns_;
  const How how_;
};

Result<FittedTransformPtr> FitDropMissing(const DropMissingParams& params, const RowView& rows,
                                          const learn::Execution&) {
  DML_TRY(std::vector<std::string> columns, ResolveColumns(params.columns, rows.schema()));
  return MakeFitted<DropMissingRule>(std::move(columns), params.how);
}

plugins::ParamSchema<DropMissingParams> DropMissingSchema() {
  plugins::ParamSchema<DropMissingParams> schema;
  schema.Add("columns", &DropMissingParams::columns, "columns to look at")
      .AddEnum("how", &DropMissingParams::how, {{"any", How::kAny}, {"all", How::kAll}},
               "drop a row that lacks any of them, or all of them");
  return schema;
}

constexpr char kDropMissingSummary[] = "Drop rows with missing values";

}  // namespace

void AddDropMissingRule(std::vector<TransformType>& types) {
  types.push_back(MakeRowRuleType<DropMissingRule>("drop_missing", kDropMissingSummary,
                                                   DropMissingSchema(), FitDropMissing));
}

void RegisterDropMissing(plugins::StepRegistry& registry) {
  StepSpec spec;
  spec.name = "preprocess.drop_missing";
  spec.summary = kDropMissingSummary;
  spec.inputs = {TablePort("data", "the rows to look through")};
  spec.outputs = {TablePort("data", "the rows that are left, in the same order")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric(), {"dropped", "rows that are gone"}};
  spec.columns = SameColumns;
  spec.row_local = true;
  registry.Add(MakeStepType(std::move(spec), DropMissingSchema(), DropMissing));
}

}  // namespace dml::steps
