// standardize, min_max, robust: (x - center) / scale + shift, column by column.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/column_moments.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/order_statistics.h"

namespace dml::steps {

namespace {

struct Scaling {
  std::string column;
  double center = 0.0;
  double scale = 1.0;
  double shift = 0.0;
};

// What every scaled value is confined to.
using Limits = std::optional<std::pair<double, double>>;

class Scaler final : public FittedTransform {
 public:
  Scaler(std::vector<Scaling> columns, Limits limits)
      : columns_(std::move(columns)), limits_(limits) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const Scaling& one : columns_) {
      const auto scale = [&one](double x) { return (x - one.center) / one.scale + one.shift; };
      const auto scale_and_clip = [&](double x) {
        return std::isnan(x) ? x : std::clamp(scale(x), limits_->first, limits_->second);
      };
      DML_RETURN_IF_ERROR(limits_
                              ? MapNumbers(batch, one.column, Infinite::kRefused, scale_and_clip)
                              : MapNumbers(batch, one.column, Infinite::kRefused, scale));
    }
    return batch;
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const Scaling& one : columns_) {
      columns.push_back({{"column", one.column},
                         {"center", one.center},
                         {"scale", one.scale},
                         {"shift", one.shift}});
    }
    Json saved = {{"columns", std::move(columns)}};
    if (limits_) saved["limits"] = *limits_;
    return saved;
  }

  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Scaling> columns;
    for (const Json& item : saved.at("columns").get_ref<const Json::array_t&>()) {
      columns.push_back({item.at("column").get<std::string>(), item.at("center").get<double>(),
                         item.at("scale").get<double>(), item.at("shift").get<double>()});
    }
    Limits limits;
    if (saved.contains("limits")) limits = saved.at("limits").get<std::pair<double, double>>();
    return MakeFitted<Scaler>(std::move(columns), limits);
  }

 private:
  std::vector<Scaling> columns_;
  Limits limits_;
};

struct StandardizeParams {
  plugins::Columns columns{"numeric", {}};
  bool with_mean = true;
  bool with_std = true;
};

// Whether the variance is nothing but the rounding of equal values: the bound of scikit-learn.
bool IsConstant(const ColumnMoments& moments) {
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  const auto count = static_cast<double>(moments.count);
  const double noise = count * moments.mean * kEpsilon;
  return moments.variance() <= count * kEpsilon * moments.variance() + noise * noise;
}

Result<FittedTransformPtr> FitStandardize(const StandardizeParams& params, const RowView& rows,
                                          const learn::Execution& execution) {
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_TRY(const auto moments, MeasureColumns(rows, columns, execution));
  std::vector<Scaling> scalings;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (params.with_std && !std::isfinite(moments[i].squares))
      return TooLarge(columns[i], "squares");
    Scaling one{columns[i]};
    if (params.with_mean) one.center = moments[i].mean;
    if (params.with_std && !IsConstant(moments[i])) one.scale = std::sqrt(moments[i].variance());
    scalings.push_back(std::move(one));
  }
  return MakeFitted<Scaler>(std::move(scalings), Limits());
}

struct MinMaxParams {
  plugins::Columns columns{"numeric", {}};
  std::vector<double> feature_range{0.0, 1.0};
  bool clip = false;
};

Result<FittedTransformPtr> FitMinMax(const MinMaxParams& params, const RowView& rows,
                                     const learn::Execution& execution) {
  const double low = params.feature_range[0];
  const double high = params.feature_range[1];
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_TRY(const auto moments, MeasureColumns(rows, columns, execution));
  std::vector<Scaling> scalings;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const double range = moments[i].max - moments[i].min;
    scalings.push_back(
        {columns[i], moments[i].min, (range > 0.0 ? range : 1.0) / (high - low), low});
  }
  return MakeFitted<Scaler>(std::move(scalings),
                            params.clip ? Limits(std::in_place, low, high) : Limits());
}

struct RobustParams {
  plugins::Columns columns{"numeric", {}};
  bool with_centering = true;
  bool with_scaling = true;
  std::vector<double> quantile_range{25.0, 75.0};
};

Result<FittedTransformPtr> FitRobust(const RobustParams& params, const RowView& rows,
                                     const learn::Execution& execution) {
  const double low = params.quantile_range[0];
  const double high = params.quantile_range[1];
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_TRY(const auto moments, MeasureColumns(rows, columns, execution));
  DML_TRY(const auto quantiles,
          FindQuantiles(rows, columns, moments, {low / 100.0, 0.5, high / 100.0}, execution));
  std::vector<Scaling> scalings;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Scaling one{columns[i]};
    if (params.with_centering) one.center = quantiles[i][1];
    const double range = quantiles[i][2] - quantiles[i][0];
    if (params.with_scaling && range > 0.0) one.scale = range;
    scalings.push_back(std::move(one));
  }
  return MakeFitted<Scaler>(std::move(scalings), Limits());
}

}  // namespace

void AddScalingTransforms(std::vector<TransformType>& types) {
  plugins::ParamSchema<StandardizeParams> standardize;
  standardize.Add("columns", &StandardizeParams::columns, "columns to scale")
      .Add("with_mean", &StandardizeParams::with_mean, "subtract the mean")
      .Add("with_std", &StandardizeParams::with_std, "divide by the standard deviation");
  types.push_back(MakeTransformType<Scaler>(
      {"standardize",
       "Scale columns to mean 0 and variance 1",
       "(x - mean) / sqrt(sum (x - mean)^2 / n); a constant column is only centred; missing values "
       "are left out and stay missing",
       {}},
      standardize, FitStandardize));
  types.back().spec.columns = SameColumns;
  plugins::ParamSchema<MinMaxParams> min_max;
  min_max.Add("columns", &MinMaxParams::columns, "columns to scale")
      .Add("feature_range", &MinMaxParams::feature_range, "what the least and largest value become")
      .AtLeast(2)
      .AtMost(2)
      .Add("clip", &MinMaxParams::clip, "confine values of other rows to feature_range too")
      .Check([](const MinMaxParams& params, plugins::Problems& problems) {
        if (params.feature_range[0] < params.feature_range[1]) return;
        problems.Add("/feature_range", "the feature_range does not ascend",
                     "write it as [low, high]");
      });
  types.push_back(MakeTransformType<Scaler>(
      {"min_max",
       "Scale columns to a range",
       "low + (x - min) / (max - min) * (high - low); a constant column becomes low; missing "
       "values are left out and stay missing",
       {}},
      min_max, FitMinMax));
  types.back().spec.columns = SameColumns;
  plugins::ParamSchema<RobustParams> robust;
  robust.Add("columns", &RobustParams::columns, "columns to scale")
      .Add("with_centering", &RobustParams::with_centering, "subtract the median")
      .Add("with_scaling", &RobustParams::with_scaling, "divide by the range of the quantiles")
      .Add("quantile_range", &RobustParams::quantile_range, "the quantiles, in percent")
      .AtLeast(2)
      .AtMost(2)
      .Check([](const RobustParams& params, plugins::Problems& problems) {
        const double low = params.quantile_range[0];
        const double high = params.quantile_range[1];
        if (low >= 0.0 && low < high && high <= 100.0) return;
        problems.Add("/quantile_range", "the quantile_range does not ascend within 0 to 100",
                     "write it in percent, such as [25, 75]");
      });
  types.push_back(MakeTransformType<Scaler>(
      {"robust",
       "Scale columns by statistics that outliers do not move",
       "(x - median) / (q75 - q25), by exact quantiles, linear between neighbours; a range of 0 "
       "counts as 1; missing values are left out and stay missing",
       {}},
      robust, FitRobust));
  types.back().spec.columns = SameColumns;
}

}  // namespace dml::steps
