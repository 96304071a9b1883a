// derive inside a model: the expressions are a part of it, and so are the types of their values.

#include <fmt/format.h>

#include <limits>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/column_kinds.h"
#include "plugins/steps/relational/derive.h"
#include "plugins/steps/relational/expression_inputs.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/row_pass.h"
#include "plugins/table/sql/row_expressions.h"

namespace dml::steps {

namespace {

using table::ColumnType;

struct Derived {
  std::string sql;
  sql::ResultColumn column;  // its type is settled
};

class DeriveTransform final : public FittedTransform {
 public:
  DeriveTransform(std::vector<Derived> derived, table::Schema inputs,
                  std::vector<std::string> warnings)
      : derived_(std::move(derived)), inputs_(std::move(inputs)), warnings_(std::move(warnings)) {
    for (const Derived& one : derived_) {
      texts_.push_back({"columns." + one.column.name, one.sql});
      columns_.push_back(one.column);
      // Whatever number comes, it is read as the model knows numbers. A number in the place of a
      // text is another thing, unless texts were asked for.
      columns_.back().insists |= !IsText(*one.column.type);
    }
  }

  Result<table::Batch> Apply(table::Batch batch) const override {
    DML_TRY(const table::Batch known, WithNumbersAs(inputs_, batch, "derive"));
    auto found = Compute(known);
    if (!found.ok()) return Located(known, std::move(found).error());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      batch.Set(found->schema.fields[i], found->columns[i]);
    }
    return batch;
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const Derived& one : derived_) {
      columns.push_back({{"name", one.column.name},
                         {"sql", one.sql},
                         {"type", table::ColumnTypeName(*one.column.type)},
                         {"declared", one.column.insists}});
    }
    return {{"columns", std::move(columns)}, {"inputs", inputs_.ToJson()}};
  }

  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Derived> derived;
    for (const Json& one : saved.at("columns").get<std::vector<Json>>()) {
      DML_TRY(const ColumnType type, table::ParseColumnType(one.at("type").get<std::string>()));
      derived.push_back(
          {one.at("sql").get<std::string>(),
           {one.at("name").get<std::string>(), type, one.at("declared").get<bool>()}});
    }
    DML_TRY(table::Schema inputs, table::Schema::FromJson(saved.at("inputs")));
    return MakeFitted<DeriveTransform>(std::move(derived), std::move(inputs),
                                       std::vector<std::string>());
  }

  std::vector<std::string> Warnings() const override { return warnings_; }

 private:
  // The new columns of these rows.
  Result<table::Batch> Compute(const table::Batch& batch) const {
    // Rows come a tile at a time: nothing has to wait in a file.
    sql::ResultSet results(columns_, "", std::numeric_limits<std::int64_t>::max());
    sql::ResultChunk chunk = results.NewChunk();
    DML_RETURN_IF_ERROR(sql::EvaluateRows(sql::RowSource::Of(batch), texts_, {}, chunk));
    DML_RETURN_IF_ERROR(results.Add(0, std::move(chunk)));
    DML_TRY(const table::Schema schema, results.Settle());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (schema.fields[i].type == *columns_[i].type) continue;
      return Error::Invalid(
          fmt::format("{}: the result is a number here, and was a text in every row that the "
                      "model learnt from",
                      texts_[i].parameter),
          "CAST(... AS TEXT) makes texts of all of them");
    }
    return results.Take(0);
  }

  // The error with the first row that has it. A row is right or wrong by itself.
  Error Located(const table::Batch& batch, Error error) const {
    if (error.kind != ErrorKind::kInvalid || !error.where.empty()) return error;
    std::size_t begin = 0;
    std::size_t end = batch.rows;
    while (end - begin > 1) {
      const std::size_t middle = begin + (end - begin) / 2;
      auto found = Compute(batch.Slice(begin, middle));
      if (found.ok()) {
        begin = middle;
      } else {
        end = middle;
        error = std::move(found).error();
      }
    }
    auto alone = Compute(batch.Slice(begin, end));
    if (alone.ok()) return error;
    return std::move(alone).error().At(fmt::format("row {}", batch.first_row + begin + 1));
  }

  std::vector<Derived> derived_;
  table::Schema inputs_;
  std::vector<std::string> warnings_;
  std::vector<sql::UserText> texts_;
  std::vector<sql::ResultColumn> columns_;
};

// What the values of all rows tell of the types.
struct TextFound {
  std::vector<sql::ColumnFindings> columns;

  void Merge(TextFound&& right) {
    if (columns.empty()) columns = std::move(right.columns);
    for (std::size_t i = 0; i < right.columns.size(); ++i) columns[i].Merge(right.columns[i]);
  }
};

// Whole numbers are decimals to a model, because its next rows may hold decimals.
Result<ColumnType> TypeInModel(const sql::ColumnFindings& findings, sql::ResultColumn column) {
  DML_TRY(const ColumnType type, findings.Decide(column));
  if (column.insists || type != ColumnType::kInt64) return type;
  column.type = ColumnType::kFloat64;
  return findings.Decide(column);
}

Result<FittedTransformPtr> FitDerive(const DeriveParams& params, const RowView& rows,
                                     const learn::Execution& execution) {
  const NamedExpressions expressions = ExpressionsOf(params.columns);
  DML_TRY(std::vector<sql::ResultColumn> columns,
          DerivedColumns(params, expressions, rows.schema(), {}));
  const auto see = [&](const table::Batch& batch, TextFound& found) -> Result<void> {
    sql::ResultChunk chunk(columns);
    DML_RETURN_IF_ERROR(sql::EvaluateRows(sql::RowSource::Of(batch), expressions.texts, {}, chunk));
    TextFound here;
    for (std::size_t i = 0; i < columns.size(); ++i) here.columns.push_back(chunk.findings(i));
    found.Merge(std::move(here));
    return {};
  };
  DML_TRY(TextFound found, PassOverRows<TextFound>(rows, execution, see));
  found.columns.resize(columns.size());
  std::vector<Derived> derived;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    DML_TRY(columns[i].type, TypeInModel(found.columns[i], columns[i]));
    derived.push_back({expressions.texts[i].sql, columns[i]});
  }
  return MakeFitted<DeriveTransform>(std::move(derived),
                                     MentionedColumns(expressions.texts, rows.schema()),
                                     SuspectTexts(expressions.texts, rows.schema()));
}

}  // namespace

void AddDeriveTransform(std::vector<TransformType>& types) {
  types.push_back(MakeTransformType<DeriveTransform>({"derive", kDeriveSummary, kDeriveFormula, {}},
                                                     DeriveSchemaWithSql(), FitDerive));
  types.back().has_own_step = true;
  types.back().spec.columns = WithNewColumns;
  types.back().spec.check_columns = UnknownInDerive;
}

}  // namespace dml::steps
