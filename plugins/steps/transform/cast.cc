#include <fmt/format.h>

#include <map>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/load/load_params.h"
#include "plugins/steps/transform/cast_column.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

namespace {

using Types = std::map<std::string, std::string>;  // column, name of its type

struct CastParams {
  Json columns = Json::object();
};

class Cast final : public FittedTransform {
 public:
  explicit Cast(Types types) : types_(std::move(types)) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const auto& [name, type_name] : types_) {
      DML_TRY(const std::size_t index, batch.schema.Find(name));
      DML_TRY(const table::ColumnType type, table::ParseColumnType(type_name));
      auto cast = CastColumn(batch.columns[index], type, batch.first_row);
      if (!cast.ok()) return std::move(cast).error().Within(fmt::format("the column '{}'", name));
      batch.Set({name, type, 1}, std::move(cast).value());
    }
    return batch;
  }
  Json Save() const override { return {{"columns", types_}}; }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<Cast>(saved.at("columns").get<Types>());
  }

 private:
  Types types_;
};

Result<FittedTransformPtr> FitCast(const CastParams& params, const RowView&,
                                   const learn::Execution&) {
  return MakeFitted<Cast>(params.columns.get<Types>());
}

}  // namespace

void AddCastTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<CastParams> schema;
  schema.AddJson("columns", &CastParams::columns, ColumnTypesSpec(), "column: type").Required();
  types.push_back(MakeTransformType<Cast>(
      {"cast",
       "Read columns as other types",
       "text as the CSV reader would; a timestamp as a number is in seconds since 1970, and back; "
       "what has no counterpart (text that is no number, 1.5 as int64) is an error with its row; "
       "missing values stay missing",
       {}},
      schema, FitCast));
  types.back().spec.columns = SameColumns;
  types.back().spec.check_columns = UnknownKeys;
  types.back().learns = false;
}

}  // namespace dml::steps
