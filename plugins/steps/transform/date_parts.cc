#include <fmt/format.h>

#include <array>
#include <chrono>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/replace_column.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/table/column_builder.h"

namespace dml::steps {

namespace {

using std::chrono::days;
using std::chrono::floor;
using Micros = std::chrono::sys_time<std::chrono::microseconds>;

std::chrono::year_month_day Date(Micros time) { return floor<days>(time); }

std::int64_t SecondOfDay(Micros time) {
  return floor<std::chrono::seconds>(time - floor<days>(time)).count();
}

// Monday is 0.
std::int64_t Weekday(Micros time) {
  return std::chrono::weekday(floor<days>(time)).iso_encoding() - 1;
}

std::int64_t DayOfYear(Micros time) {
  const std::chrono::sys_days first = Date(time).year() / std::chrono::January / 1;
  return (floor<days>(time) - first).count() + 1;
}

// The ISO 8601 week: that of the Thursday of the same week.
std::int64_t Week(Micros time) { return (DayOfYear(time + days(3 - Weekday(time))) - 1) / 7 + 1; }

struct DatePart {
  const char* name;
  std::int64_t (*value)(Micros time);
};

constexpr std::array kDateParts = {
    DatePart{"year", [](Micros t) -> std::int64_t { return static_cast<int>(Date(t).year()); }},
    DatePart{
        "quarter",
        [](Micros t) -> std::int64_t { return (static_cast<unsigned>(Date(t).month()) + 2) / 3; }},
    DatePart{"month",
             [](Micros t) -> std::int64_t { return static_cast<unsigned>(Date(t).month()); }},
    DatePart{"week", Week},
    DatePart{"day", [](Micros t) -> std::int64_t { return static_cast<unsigned>(Date(t).day()); }},
    DatePart{"dayofyear", DayOfYear},
    DatePart{"weekday", Weekday},
    DatePart{"is_weekend", [](Micros t) -> std::int64_t { return Weekday(t) >= 5 ? 1 : 0; }},
    DatePart{"hour", [](Micros t) -> std::int64_t { return SecondOfDay(t) / 3600; }},
    DatePart{"minute", [](Micros t) -> std::int64_t { return SecondOfDay(t) / 60 % 60; }},
    DatePart{"second", [](Micros t) -> std::int64_t { return SecondOfDay(t) % 60; }},
};

const DatePart* FindPart(std::string_view name) {
  for (const DatePart& part : kDateParts) {
    if (part.name == name) return &part;
  }
  return nullptr;
}

struct DatePartsParams {
  plugins::Columns columns;
  Json parts = {"year", "month", "day", "weekday", "hour"};
  bool keep_original = false;
};

Error NotADate(const table::Field& field) {
  return Error::Invalid(
      fmt::format("the column '{}' is {}, not timestamp", field.name,
                  table::ColumnTypeName(field.type)),
      fmt::format("cast: {{columns: {{{}: timestamp}}}} reads text as dates", field.name));
}

class DateParts final : public FittedTransform {
 public:
  DateParts(std::vector<std::string> columns, std::vector<std::string> parts, bool keep_original)
      : columns_(std::move(columns)), parts_(std::move(parts)), keep_original_(keep_original) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const std::string& name : columns_) {
      DML_TRY(const std::size_t index, batch.schema.Find(name));
      const table::Column column = batch.columns[index];
      if (column.type() != table::ColumnType::kTimestamp) {
        return NotADate(batch.schema.fields[index]);
      }
      NewColumns made;
      for (const std::string& part : parts_) {
        made.Add(name + "_" + part, Extract(column, *FindPart(part)));
      }
      DML_RETURN_IF_ERROR(ReplaceColumn(batch, name, std::move(made), keep_original_));
    }
    return batch;
  }
  Json Save() const override {
    return {{"columns", columns_}, {"parts", parts_}, {"keep_original", keep_original_}};
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    const auto parts = saved.at("parts").get<std::vector<std::string>>();
    for (const std::string& part : parts) {
      if (FindPart(part) == nullptr) return Error::Invalid("unknown part of a date '" + part + "'");
    }
    return MakeFitted<DateParts>(saved.at("columns").get<std::vector<std::string>>(), parts,
                                 saved.at("keep_original").get<bool>());
  }

 private:
  static table::Column Extract(const table::Column& column, const DatePart& part) {
    table::ColumnBuilder out(table::Field{{}, table::ColumnType::kInt64, 1});
    out.Reserve(column.size());
    const auto micros = column.int64();
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column.IsValid(row)) {
        out.AppendInt64(part.value(Micros(std::chrono::microseconds(micros[row]))));
      } else {
        out.AppendMissing();
      }
    }
    return out.Finish();
  }

  std::vector<std::string> columns_;
  std::vector<std::string> parts_;  // names in kDateParts
  bool keep_original_;
};

Result<FittedTransformPtr> FitDateParts(const DatePartsParams& params, const RowView& rows,
                                        const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  for (const std::string& name : columns) {
    DML_TRY(const std::size_t index, rows.schema().Find(name));
    const table::Field& field = rows.schema().fields[index];
    if (field.type != table::ColumnType::kTimestamp) return NotADate(field);
  }
  return MakeFitted<DateParts>(std::move(columns), params.parts.get<std::vector<std::string>>(),
                               params.keep_original);
}

ParamSpec PartsSpec() {
  ParamSpec part;
  part.type = ParamType::kEnum;
  for (const DatePart& known : kDateParts) part.choices.emplace_back(known.name);
  ParamSpec spec;
  spec.type = ParamType::kList;
  spec.element = {part};
  spec.default_value = DatePartsParams().parts;
  return spec;
}

}  // namespace

void AddDateTransforms(std::vector<TransformType>& types) {
  plugins::ParamSchema<DatePartsParams> schema;
  schema.Add("columns", &DatePartsParams::columns, "timestamps")
      .Required()
      .AddJson("parts", &DatePartsParams::parts, PartsSpec(), "what to make of each")
      .AtLeast(1)
      .Add("keep_original", &DatePartsParams::keep_original, "keep the timestamp as well")
      .Check([](const DatePartsParams& params, plugins::Problems& problems) {
        for (std::size_t i = 0; i < params.parts.size(); ++i) {
          const auto first = std::find(params.parts.begin(), params.parts.end(), params.parts[i]);
          if (first == params.parts.begin() + static_cast<std::ptrdiff_t>(i)) continue;
          problems.Add(fmt::format("/parts/{}", i), "this part is listed twice", "name it once");
        }
      });
  types.push_back(MakeTransformType<DateParts>(
      {"date_parts",
       "Make numbers of dates and times",
       "a column '<column>_<part>' each, in UTC; weekday counts from Monday = 0, week is that of "
       "ISO 8601; missing values stay missing",
       {}},
      schema, FitDateParts));
  types.back().learns = false;
}

}  // namespace dml::steps
