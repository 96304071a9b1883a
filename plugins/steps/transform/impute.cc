#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/cast_column.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/column_moments.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/order_statistics.h"
#include "plugins/steps/transform/replace_column.h"
#include "plugins/steps/transform/row_pass.h"
#include "plugins/steps/transform/value_counts.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/csv/number.h"

namespace dml::steps {

namespace {

using table::ColumnType;

enum class ImputeStrategy { kMean, kMedian, kMostFrequent, kConstant };

struct ImputeParams {
  plugins::Columns columns{"numeric", {}};
  ImputeStrategy strategy = ImputeStrategy::kMean;
  Json fill_value;
  bool add_indicator = false;
};

// What stands in for the missing values of one column.
struct Fill {
  std::string column;
  ColumnType type = ColumnType::kFloat64;  // of the column afterwards
  Json value;                              // a number for kFloat64, else a text
  bool indicator = false;                  // add a column that says where values were missing
};

// A column of one row: the value of a fill as its type.
Result<table::Column> ValueOf(const Fill& fill) {
  if (fill.type == ColumnType::kFloat64) {
    return table::MakeFloat64({fill.value.get<double>()});
  }
  table::ColumnBuilder text(table::Field{{}, ColumnType::kString, 1});
  text.AppendText(fill.value.get<std::string>());
  auto cast = CastColumn(text.Finish(), fill.type, 0);
  if (cast.ok()) return cast;
  return Error::Invalid(
      fmt::format("the fill_value '{}' is no {}, as the column '{}' is",
                  fill.value.get<std::string>(), table::ColumnTypeName(fill.type), fill.column),
      "give a value of that type, or leave the column out of `columns`");
}

// The rows of `column`, with that of `value` where they are missing.
table::Column FillIn(const table::Column& column, const table::Column& value) {
  table::ColumnBuilder out(table::Field{{}, column.type(), 1});
  out.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    const bool valid = column.IsValid(row);
    const table::Column& from = valid ? column : value;
    const std::size_t at = valid ? row : 0;
    switch (column.type()) {
      case ColumnType::kInt64:
      case ColumnType::kTimestamp:
        out.AppendInt64(from.int64()[at]);
        break;
      case ColumnType::kBool:
        out.AppendBool(from.bools()[at] != 0);
        break;
      case ColumnType::kFloat64:
      case ColumnType::kFloat32:
        out.AppendDouble(from.AsDouble(at));
        break;
      case ColumnType::kString:
      case ColumnType::kCategory:
        out.AppendText(from.string(at));
        break;
      case ColumnType::kSparse:
        DML_UNREACHABLE("a sparse column has no missing values");
    }
  }
  return out.Finish();
}

class Impute final : public FittedTransform {
 public:
  explicit Impute(std::vector<Fill> fills) : fills_(std::move(fills)) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    NewColumns indicators;
    for (const Fill& fill : fills_) {
      DML_TRY(const std::size_t index, batch.schema.Find(fill.column));
      if (fill.indicator) AddIndicator(batch.columns[index], fill.column, indicators);
      if (fill.type == ColumnType::kFloat64) {
        const auto value = fill.value.get<double>();
        DML_RETURN_IF_ERROR(MapNumbers(batch, fill.column, Infinite::kRefused,
                                       [=](double x) { return std::isnan(x) ? value : x; }));
        continue;
      }
      DML_TRY(const table::Column value, ValueOf(fill));
      DML_TRY(table::Column column, CastColumn(batch.columns[index], fill.type, batch.first_row));
      if (column.has_missing()) column = FillIn(column, value);
      batch.Set({fill.column, fill.type, 1}, std::move(column));
    }
    DML_RETURN_IF_ERROR(AppendColumns(batch, std::move(indicators)));
    return batch;
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const Fill& fill : fills_) {
      columns.push_back({{"column", fill.column},
                         {"type", table::ColumnTypeName(fill.type)},
                         {"value", fill.value},
                         {"indicator", fill.indicator}});
    }
    return {{"columns", std::move(columns)}};
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Fill> fills;
    for (const Json& item : saved.at("columns").get_ref<const Json::array_t&>()) {
      DML_TRY(const ColumnType type, table::ParseColumnType(item.at("type").get<std::string>()));
      fills.push_back({item.at("column").get<std::string>(), type, item.at("value"),
                       item.at("indicator").get<bool>()});
    }
    return MakeFitted<Impute>(std::move(fills));
  }

 private:
  static void AddIndicator(const table::Column& column, const std::string& name,
                           NewColumns& indicators) {
    table::ColumnBuilder out(table::Field{{}, ColumnType::kBool, 1});
    for (std::size_t row = 0; row < column.size(); ++row) out.AppendBool(!column.IsValid(row));
    indicators.Add("missingindicator_" + name, out.Finish());
  }

  std::vector<Fill> fills_;
};

struct MissingCounts {
  std::vector<std::uint64_t> columns;

  void Merge(MissingCounts&& right) {
    if (columns.empty()) std::swap(columns, right.columns);
    for (std::size_t i = 0; i < right.columns.size(); ++i) columns[i] += right.columns[i];
  }
};

// How many values each column lacks.
Result<std::vector<std::uint64_t>> CountMissing(const RowView& rows,
                                                const std::vector<std::string>& columns,
                                                const learn::Execution& execution) {
  const auto visit = [&](const table::Batch& batch, MissingCounts& out) -> Result<void> {
    out.columns.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      DML_TRY(const table::Column* column, batch.Find(columns[i]));
      out.columns[i] += column->CountMissing();
    }
    return {};
  };
  DML_TRY(MissingCounts found, PassOverRows<MissingCounts>(rows, execution, visit));
  found.columns.resize(columns.size());
  return std::move(found.columns);
}

Result<void> RequireFillable(const table::Schema& schema, const std::vector<std::string>& columns,
                             ImputeStrategy strategy) {
  const bool numbers_only =
      strategy == ImputeStrategy::kMean || strategy == ImputeStrategy::kMedian;
  for (const std::string& name : columns) {
    DML_TRY(const std::size_t index, schema.Find(name));
    const ColumnType type = schema.fields[index].type;
    if (type == ColumnType::kSparse) {
      return Error::Invalid(
          fmt::format("the column '{}' is sparse: it has no missing values", name),
          "leave it out of `columns`");
    }
    if (numbers_only && !IsNumeric(type)) {
      return Error::Invalid(
          fmt::format("the column '{}' is {}, which has no {}", name, table::ColumnTypeName(type),
                      strategy == ImputeStrategy::kMean ? "mean" : "median"),
          "use strategy: most_frequent or constant for it");
    }
  }
  return {};
}

// `fill_value` as the value of a fill. scikit-learn's defaults: 0 for numbers, else
// "missing_value".
Result<Fill> ConstantFill(const table::Field& field, const Json& fill_value) {
  Fill fill{field.name, field.type, fill_value, false};
  const bool numeric = IsNumeric(field.type);
  if (fill.value.is_null()) fill.value = numeric ? Json(0) : Json("missing_value");
  const bool is_float = field.type == ColumnType::kFloat64 || field.type == ColumnType::kFloat32;
  if (fill.value.is_number_float() && numeric) fill.type = ColumnType::kFloat64;
  if (is_float) fill.type = ColumnType::kFloat64;
  if (fill.type == ColumnType::kFloat64) {
    if (fill.value.is_number()) return fill;
    return Error::Invalid(
        fmt::format("the fill_value {} is no number, and the column '{}' is {}", fill.value.dump(),
                    field.name, table::ColumnTypeName(field.type)),
        "give a number, or cast the column first");
  }
  if (!fill.value.is_string()) fill.value = fill.value.dump();
  DML_RETURN_IF_ERROR(ValueOf(fill));
  return fill;
}

Fill MostFrequentFill(const table::Field& field, const ValueCounts& counts) {
  const auto most = std::ranges::max_element(counts.counts) - counts.counts.begin();
  const std::string& text = counts.values[static_cast<std::size_t>(most)];
  Fill fill{field.name, field.type, text, false};
  if (field.type == ColumnType::kFloat64 || field.type == ColumnType::kFloat32) {
    fill.type = ColumnType::kFloat64;
    fill.value = table::ParseDouble(text).value_or(std::nan(""));  // AsText wrote it
  }
  return fill;
}

Result<std::vector<Fill>> LearnFills(const ImputeParams& params,
                                     const std::vector<std::string>& columns, const RowView& rows,
                                     const learn::Execution& execution) {
  std::vector<Fill> fills;
  if (params.strategy == ImputeStrategy::kMean || params.strategy == ImputeStrategy::kMedian) {
    DML_TRY(const auto moments, MeasureColumns(rows, columns, execution));
    std::vector<std::vector<double>> medians;
    if (params.strategy == ImputeStrategy::kMedian) {
      DML_TRY(medians, FindQuantiles(rows, columns, moments, {0.5}, execution));
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      fills.push_back({columns[i], ColumnType::kFloat64,
                       medians.empty() ? moments[i].mean : medians[i][0], false});
    }
    return fills;
  }
  std::vector<ValueCounts> counts;
  if (params.strategy == ImputeStrategy::kMostFrequent) {
    DML_TRY(counts, CountValues(rows, columns, execution));
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    DML_TRY(const std::size_t index, rows.schema().Find(columns[i]));
    const table::Field& field = rows.schema().fields[index];
    if (params.strategy == ImputeStrategy::kConstant) {
      DML_TRY(fills.emplace_back(), ConstantFill(field, params.fill_value));
      continue;
    }
    if (counts[i].values.empty()) return AllMissing(columns[i]);
    fills.push_back(MostFrequentFill(field, counts[i]));
  }
  return fills;
}

Result<FittedTransformPtr> FitImpute(const ImputeParams& params, const RowView& rows,
                                     const learn::Execution& execution) {
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_RETURN_IF_ERROR(RequireFillable(rows.schema(), columns, params.strategy));
  DML_TRY(std::vector<Fill> fills, LearnFills(params, columns, rows, execution));
  if (params.add_indicator) {
    DML_TRY(const auto missing, CountMissing(rows, columns, execution));
    for (std::size_t i = 0; i < fills.size(); ++i) fills[i].indicator = missing[i] > 0;
  }
  return MakeFitted<Impute>(std::move(fills));
}

ParamSpec FillValueSpec() {
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  for (const ParamType type :
       {ParamType::kInt, ParamType::kFloat, ParamType::kBool, ParamType::kString}) {
    spec.element.emplace_back().type = type;
  }
  return spec;
}

}  // namespace

void AddMissingTransforms(std::vector<TransformType>& types) {
  plugins::ParamSchema<ImputeParams> schema;
  schema.Add("columns", &ImputeParams::columns, "columns to fill")
      .AddEnum("strategy", &ImputeParams::strategy,
               {{"mean", ImputeStrategy::kMean},
                {"median", ImputeStrategy::kMedian},
                {"most_frequent", ImputeStrategy::kMostFrequent},
                {"constant", ImputeStrategy::kConstant}},
               "what stands in for a missing value")
      .AddJson("fill_value", &ImputeParams::fill_value, FillValueSpec(),
               "for constant; 0 for numbers and 'missing_value' for text if absent")
      .Add("add_indicator", &ImputeParams::add_indicator,
           "add a column 'missingindicator_<column>' for each with missing training rows");
  types.push_back(MakeTransformType<Impute>(
      {"impute",
       "Fill in missing values",
       "the mean, the exact median, the most frequent value (the smallest of equals) or a constant "
       "of the values that are there; mean and median make a column float64",
       {}},
      schema, FitImpute));
  types.back().spec.columns = [](const Json& params, const std::vector<std::string>& input) {
    const bool only_fills = params.value("add_indicator", Json()) == Json(false);
    return only_fills ? SameColumns(params, input) : std::nullopt;
  };
}

}  // namespace dml::steps
