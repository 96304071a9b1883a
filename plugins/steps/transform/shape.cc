// log and clip: one number from one number, nothing learnt.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

namespace {

struct LogParams {
  plugins::Columns columns;
  double offset = 1.0;
};

class Log final : public FittedTransform {
 public:
  Log(std::vector<std::string> columns, double offset)
      : columns_(std::move(columns)), offset_(offset) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const std::string& column : columns_) {
      {
        DML_TRY(const Numbers values, ReadNumbers(batch, column));
        DML_RETURN_IF_ERROR(CheckRange(values, column, batch.first_row));
      }
      const double offset = offset_;
      DML_RETURN_IF_ERROR(MapNumbers(batch, column, Infinite::kRefused, [offset](double x) {
        return offset == 1.0 ? std::log1p(x) : std::log(offset + x);
      }));
    }
    return batch;
  }
  Json Save() const override { return {{"columns", columns_}, {"offset", offset_}}; }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<Log>(saved.at("columns").get<std::vector<std::string>>(),
                           saved.at("offset").get<double>());
  }

 private:
  Result<void> CheckRange(const Numbers& values, const std::string& column,
                          std::uint64_t first_row) const {
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (std::isnan(values[row]) || values[row] + offset_ > 0.0) continue;
      return Error::Invalid(
          fmt::format("row {} of the column '{}' is {}, and the logarithm of {} + x needs x > {}",
                      first_row + row + 1, column, values[row], offset_, 0.0 - offset_),
          "raise the offset, or clip the column first");
    }
    return {};
  }

  std::vector<std::string> columns_;
  double offset_;
};

Result<FittedTransformPtr> FitLog(const LogParams& params, const RowView& rows,
                                  const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_RETURN_IF_ERROR(RequireNumeric(rows.schema(), columns));
  return MakeFitted<Log>(std::move(columns), params.offset);
}

struct ClipParams {
  plugins::Columns columns{"numeric", {}};
  std::optional<double> min;
  std::optional<double> max;
};

class Clip final : public FittedTransform {
 public:
  Clip(std::vector<std::string> columns, std::optional<double> min, std::optional<double> max)
      : columns_(std::move(columns)), min_(min), max_(max) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double low = min_.value_or(-kInfinity);
    const double high = max_.value_or(kInfinity);
    for (const std::string& column : columns_) {
      DML_RETURN_IF_ERROR(MapNumbers(batch, column, Infinite::kAllowed, [=](double x) {
        return std::isnan(x) ? x : std::clamp(x, low, high);
      }));
    }
    return batch;
  }
  Json Save() const override {
    Json saved = {{"columns", columns_}};
    if (min_) saved["min"] = *min_;
    if (max_) saved["max"] = *max_;
    return saved;
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    const auto bound = [&saved](const char* name) -> std::optional<double> {
      if (!saved.contains(name)) return std::nullopt;
      return saved.at(name).get<double>();
    };
    return MakeFitted<Clip>(saved.at("columns").get<std::vector<std::string>>(), bound("min"),
                            bound("max"));
  }

 private:
  std::vector<std::string> columns_;
  std::optional<double> min_;
  std::optional<double> max_;
};

Result<FittedTransformPtr> FitClip(const ClipParams& params, const RowView& rows,
                                   const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_RETURN_IF_ERROR(RequireNumeric(rows.schema(), columns));
  return MakeFitted<Clip>(std::move(columns), params.min, params.max);
}

void CheckClip(const ClipParams& params, plugins::Problems& problems) {
  if (!params.min && !params.max) {
    problems.Add("", "neither min nor max is given", "give one of them, or both");
  }
  if (params.min && params.max && *params.min > *params.max) {
    problems.Add("/min", fmt::format("min {} exceeds max {}", *params.min, *params.max),
                 "exchange them");
  }
}

}  // namespace

void AddShapeTransforms(std::vector<TransformType>& types) {
  plugins::ParamSchema<ClipParams> clip;
  clip.Add("columns", &ClipParams::columns, "columns to confine")
      .Add("min", &ClipParams::min, "smaller values become this one")
      .Add("max", &ClipParams::max, "larger values become this one")
      .Check(CheckClip);
  types.push_back(MakeTransformType<Clip>(
      {"clip",
       "Confine columns to a range",
       "min(max(x, min), max); infinite values are confined too, missing ones stay missing",
       {}},
      clip, FitClip));
  types.back().spec.columns = SameColumns;
  types.back().learns = false;
  plugins::ParamSchema<LogParams> log;
  log.Add("columns", &LogParams::columns, "columns to take the logarithm of")
      .Required()
      .Add("offset", &LogParams::offset, "added to every value, so that zeros are allowed");
  types.push_back(MakeTransformType<Log>({"log",
                                          "Natural logarithm of columns",
                                          "ln(offset + x), as log1p(x) for the offset 1; x must "
                                          "exceed -offset; missing values stay missing",
                                          {}},
                                         log, FitLog));
  types.back().spec.columns = SameColumns;
  types.back().learns = false;
}

}  // namespace dml::steps
