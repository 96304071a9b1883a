#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/category_values.h"
#include "plugins/steps/transform/code_book.h"
#include "plugins/steps/transform/numbers.h"

namespace dml::steps {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

enum class UnknownCode { kError, kEncodedValue };

struct OrdinalParams {
  plugins::Columns columns{"categorical", {}};
  UnknownCode handle_unknown = UnknownCode::kError;
  std::optional<double> unknown_value;
  std::optional<double> encoded_missing_value;
  CategoryLists categories;
};

// What stands for values without a number of their own; absent means missing.
struct Others {
  bool refuse_unknown = true;
  std::optional<double> unknown;
  std::optional<double> missing;
};

struct Numbering {
  std::string column;
  CodeBook values;
};

class Ordinal final : public FittedTransform {
 public:
  Ordinal(std::vector<Numbering> columns, Others others)
      : columns_(std::move(columns)), others_(others) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const Numbering& one : columns_) {
      DML_TRY(const table::Column* column, batch.Find(one.column));
      const std::vector<std::int32_t> numbers = one.values.Encode(*column);
      std::vector<double> out(batch.rows);
      for (std::size_t row = 0; row < batch.rows; ++row) {
        if (numbers[row] == CodeBook::kUnknown && others_.refuse_unknown) {
          return UnknownCategory(one.column, batch.first_row + row + 1, column->AsText(row),
                                 "handle_unknown: use_encoded_value gives it unknown_value");
        }
        out[row] = numbers[row] >= 0                    ? numbers[row]
                   : numbers[row] == CodeBook::kMissing ? others_.missing.value_or(kNan)
                                                        : others_.unknown.value_or(kNan);
      }
      SetNumbers(batch, one.column, std::move(out));
    }
    return batch;
  }

  bool ComparesText(std::string_view column) const override {
    return std::ranges::find(columns_, column, &Numbering::column) != columns_.end();
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const Numbering& one : columns_) {
      columns.push_back({{"column", one.column}, {"values", one.values.values()}});
    }
    Json saved = {{"columns", std::move(columns)}, {"refuse_unknown", others_.refuse_unknown}};
    if (others_.unknown) saved["unknown"] = *others_.unknown;
    if (others_.missing) saved["missing"] = *others_.missing;
    return saved;
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Numbering> columns;
    for (const Json& item : saved.at("columns").get_ref<const Json::array_t&>()) {
      columns.push_back({item.at("column").get<std::string>(),
                         CodeBook(item.at("values").get<std::vector<std::string>>())});
    }
    Others others{saved.at("refuse_unknown").get<bool>(), {}, {}};
    if (saved.contains("unknown")) others.unknown = saved.at("unknown").get<double>();
    if (saved.contains("missing")) others.missing = saved.at("missing").get<double>();
    return MakeFitted<Ordinal>(std::move(columns), others);
  }

 private:
  std::vector<Numbering> columns_;
  Others others_;
};

Result<FittedTransformPtr> FitOrdinal(const OrdinalParams& params, const RowView& rows,
                                      const learn::Execution& execution) {
  const bool refuse = params.handle_unknown == UnknownCode::kError;
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_TRY(const auto counts, CountCategories(rows, columns, params.categories, !refuse, execution));
  std::vector<Numbering> numberings;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const double unknown = params.unknown_value.value_or(kNan);
    const bool taken = unknown >= 0.0 && std::trunc(unknown) == unknown &&
                       unknown < static_cast<double>(counts[i].values.size());
    if (taken) {
      return Error::Invalid(
          fmt::format("unknown_value {} is the number of '{}' in the column '{}'", unknown,
                      counts[i].values[static_cast<std::size_t>(unknown)], columns[i]),
          "choose another one, such as -1");
    }
    numberings.push_back({columns[i], CodeBook(counts[i].values)});
  }
  return MakeFitted<Ordinal>(std::move(numberings),
                             Others{refuse, params.unknown_value, params.encoded_missing_value});
}

}  // namespace

void AddOrdinalTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<OrdinalParams> schema;
  schema.Add("columns", &OrdinalParams::columns, "columns to encode")
      .AddEnum("handle_unknown", &OrdinalParams::handle_unknown,
               {{"error", UnknownCode::kError}, {"use_encoded_value", UnknownCode::kEncodedValue}},
               "what to do with a value that no training row has")
      .Add("unknown_value", &OrdinalParams::unknown_value,
           "the number of such a value; missing if absent")
      .Add("encoded_missing_value", &OrdinalParams::encoded_missing_value,
           "the number of a missing value; missing if absent")
      .Add("categories", &OrdinalParams::categories,
           "column: [its values in order]; sorted training values otherwise")
      .Check([](const OrdinalParams& params, plugins::Problems& problems) {
        if (params.handle_unknown != UnknownCode::kError || !params.unknown_value) return;
        problems.Add("/unknown_value", "unknown_value needs handle_unknown: use_encoded_value");
      });
  types.push_back(MakeTransformType<Ordinal>(
      {"ordinal",
       "Number the values of a column",
       "0, 1, 2, ... in sorted order, numbers by size, or in the order of `categories`",
       {}},
      schema, FitOrdinal));
  types.back().spec.columns = SameColumns;
}

}  // namespace dml::steps
