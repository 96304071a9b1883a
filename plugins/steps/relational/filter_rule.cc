// filter inside a model: the expression is a part of it, and judges every row that it is given.

#include "plugins/steps/relational/expression_inputs.h"
#include "plugins/steps/relational/filter.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/row_rule.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/table/sql/row_expressions.h"

namespace dml::steps {

namespace {

class FilterRule final : public RowRule {
 public:
  FilterRule(std::string where, table::Schema inputs, std::vector<std::string> warnings)
      : params_{{std::move(where)}}, inputs_(std::move(inputs)), warnings_(std::move(warnings)) {}

  [[nodiscard]] std::string_view name() const override { return "filter"; }

  [[nodiscard]] Result<std::vector<std::uint32_t>> Keep(const table::Batch& batch) const override {
    DML_TRY(table::Batch known, WithNumbersAs(inputs_, batch, "filter"));
    const sql::UserText where{"where", params_.where.sql};
    return sql::SelectRows(sql::RowSource::Of(std::move(known)), where, {});
  }

  [[nodiscard]] Result<table::Batch> Apply(table::Batch batch) const override {
    for (const table::Field& field : inputs_.fields) {
      if (batch.schema.IndexOf(field.name) >= 0) continue;
      // A word that is a column may have been the name of a function all the same.
      DML_RETURN_IF_ERROR(CheckFilter(params_, batch.schema, {}));
    }
    return batch;
  }

  [[nodiscard]] Json Save() const override {
    return {{"where", params_.where.sql}, {"inputs", inputs_.ToJson()}};
  }

  static Result<FittedTransformPtr> Load(const Json& saved) {
    DML_TRY(table::Schema inputs, table::Schema::FromJson(saved.at("inputs")));
    return MakeFitted<FilterRule>(saved.at("where").get<std::string>(), std::move(inputs),
                                  std::vector<std::string>());
  }

  [[nodiscard]] std::vector<std::string> Warnings() const override { return warnings_; }

 private:
  const FilterParams params_;
  const table::Schema inputs_;
  const std::vector<std::string> warnings_;
};

Result<FittedTransformPtr> FitFilter(const FilterParams& params, const RowView& rows,
                                     const learn::Execution&) {
  DML_RETURN_IF_ERROR(CheckFilter(params, rows.schema(), {}));
  const std::vector<sql::UserText> texts{{"where", params.where.sql}};
  return MakeFitted<FilterRule>(params.where.sql, MentionedColumns(texts, rows.schema()),
                                SuspectTexts(texts, rows.schema()));
}

}  // namespace

void AddFilterRule(std::vector<TransformType>& types) {
  types.push_back(
      MakeRowRuleType<FilterRule>("filter", kFilterSummary, FilterSchemaWithSql(), FitFilter));
  types.back().spec.check_columns = UnknownInFilter;
}

}  // namespace dml::steps
