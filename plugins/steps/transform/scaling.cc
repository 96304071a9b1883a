// standardize, min_max, robust: (x - center) / scale + shift, column by column.

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/column_moments.h"
#include "plugins/steps/transform/numbers.h"

namespace dml::steps {

namespace {

struct Scaling {
  std::string column;
  double center = 0.0;
  double scale = 1.0;
  double shift = 0.0;
};

class Scaler final : public FittedTransform {
 public:
  explicit Scaler(std::vector<Scaling> columns) : columns_(std::move(columns)) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const Scaling& one : columns_) {
      DML_RETURN_IF_ERROR(MapNumbers(batch, one.column, Infinite::kRefused, [&one](double x) {
        return (x - one.center) / one.scale + one.shift;
      }));
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
    return {{"columns", std::move(columns)}};
  }

  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Scaling> columns;
    for (const Json& item : saved.at("columns")) {
      columns.push_back({item.at("column").get<std::string>(), item.at("center").get<double>(),
                         item.at("scale").get<double>(), item.at("shift").get<double>()});
    }
    return MakeFitted<Scaler>(std::move(columns));
  }

 private:
  std::vector<Scaling> columns_;
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
    Scaling one{columns[i]};
    if (params.with_mean) one.center = moments[i].mean;
    if (params.with_std && !IsConstant(moments[i])) one.scale = std::sqrt(moments[i].variance());
    scalings.push_back(std::move(one));
  }
  return MakeFitted<Scaler>(std::move(scalings));
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
}

}  // namespace dml::steps
