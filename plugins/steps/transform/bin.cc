#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/column_moments.h"
#include "plugins/steps/transform/feature_block.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/order_statistics.h"

namespace dml::steps {

namespace {

enum class BinStrategy { kUniform, kQuantile };
enum class Encode { kOneHot, kOneHotDense, kOrdinal };

const std::vector<std::pair<std::string, Encode>> kEncodings = {
    {"onehot", Encode::kOneHot},
    {"onehot-dense", Encode::kOneHotDense},
    {"ordinal", Encode::kOrdinal}};

struct BinParams {
  plugins::Columns columns{"numeric", {}};
  int n_bins = 5;
  Encode encode = Encode::kOneHot;
  BinStrategy strategy = BinStrategy::kQuantile;
};

// Bins of one column: bin k holds edges[k - 1] <= x < edges[k], the first and the last are open.
struct Bins {
  std::string column;
  std::vector<double> edges;  // between bins, ascending

  [[nodiscard]] std::int32_t Find(double x) const {
    return static_cast<std::int32_t>(std::ranges::upper_bound(edges, x) - edges.begin());
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (std::size_t bin = 0; bin <= edges.size(); ++bin) {
      names.push_back(fmt::format("{}_{}", column, bin));
    }
    return names;
  }
};

class Binner final : public FittedTransform {
 public:
  Binner(std::vector<Bins> columns, Encode encode)
      : columns_(std::move(columns)), encode_(encode) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const Bins& bins : columns_) {
      if (encode_ == Encode::kOrdinal) {
        DML_RETURN_IF_ERROR(MapNumbers(batch, bins.column, Infinite::kRefused, [&](double x) {
          return std::isnan(x) ? x : static_cast<double>(bins.Find(x));
        }));
        continue;
      }
      FeatureBlock block;
      {
        DML_TRY(const Numbers values, ReadNumbers(batch, bins.column));
        for (const double x : values) {
          if (!std::isnan(x)) block.Add(bins.Find(x), 1.0);
          block.EndRow();
        }
      }
      DML_RETURN_IF_ERROR(
          encode_ == Encode::kOneHot
              ? PutSparse(batch, bins.column, bins.edges.size() + 1, std::move(block))
              : PutDense(batch, bins.column, bins.Names(), block));
    }
    return batch;
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const Bins& bins : columns_) {
      columns.push_back({{"column", bins.column}, {"edges", bins.edges}});
    }
    Json saved = {{"columns", std::move(columns)}};
    for (const auto& [name, encode] : kEncodings) {
      if (encode == encode_) saved["encode"] = name;
    }
    return saved;
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Bins> columns;
    for (const Json& item : saved.at("columns").get_ref<const Json::array_t&>()) {
      columns.push_back(
          {item.at("column").get<std::string>(), item.at("edges").get<std::vector<double>>()});
    }
    const auto wanted = saved.at("encode").get<std::string>();
    for (const auto& [name, encode] : kEncodings) {
      if (name == wanted) return MakeFitted<Binner>(std::move(columns), encode);
    }
    return Error::Invalid(fmt::format("unknown encoding of bins '{}'", wanted));
  }

  std::vector<std::string> FeatureNames(std::string_view column) const override {
    const auto found = std::ranges::find(columns_, column, &Bins::column);
    if (found == columns_.end() || encode_ != Encode::kOneHot) return {};
    return found->Names();
  }

 private:
  std::vector<Bins> columns_;
  Encode encode_;
};

// Inner edges at equal distances.
std::vector<double> UniformEdges(const ColumnMoments& moments, int n_bins) {
  std::vector<double> edges;
  const double step = (moments.max - moments.min) / n_bins;
  for (int k = 1; k < n_bins; ++k) edges.push_back(moments.min + k * step);
  return edges;
}

// Quantiles as inner edges; bins no wider than 1e-8 are joined with the one before, as scikit-learn
// does - but where all values lie closer together than 1, no wider than that share of their range:
// else a column of small numbers would be one bin.
std::vector<double> QuantileEdges(const ColumnMoments& moments,
                                  const std::vector<double>& quantiles) {
  const double width_min = 1e-8 * std::min(1.0, moments.max - moments.min);
  std::vector<double> edges = {moments.min};
  double previous = moments.min;
  for (std::size_t k = 0; k <= quantiles.size(); ++k) {
    const double edge = k < quantiles.size() ? quantiles[k] : moments.max;
    if (edge - previous > width_min) edges.push_back(edge);
    previous = edge;
  }
  edges.erase(edges.begin());
  if (!edges.empty()) edges.pop_back();
  return edges;
}

Result<FittedTransformPtr> FitBin(const BinParams& params, const RowView& rows,
                                  const learn::Execution& execution) {
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_TRY(const auto moments, MeasureColumns(rows, columns, execution));
  std::vector<std::vector<double>> quantiles;
  if (params.strategy == BinStrategy::kQuantile) {
    std::vector<double> shares;
    for (int k = 1; k < params.n_bins; ++k) {
      shares.push_back(static_cast<double>(k) / params.n_bins);
    }
    DML_TRY(quantiles, FindQuantiles(rows, columns, moments, shares, execution));
  }
  std::vector<Bins> bins;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Bins one{columns[i], {}};
    if (moments[i].min < moments[i].max) {
      one.edges = quantiles.empty() ? UniformEdges(moments[i], params.n_bins)
                                    : QuantileEdges(moments[i], quantiles[i]);
    }
    bins.push_back(std::move(one));
  }
  return MakeFitted<Binner>(std::move(bins), params.encode);
}

}  // namespace

void AddBinTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<BinParams> schema;
  schema.Add("columns", &BinParams::columns, "columns to cut")
      .Add("n_bins", &BinParams::n_bins, "bins of a column; fewer if quantiles coincide")
      .AtLeast(2)
      .AtMost(10'000)
      .AddEnum("encode", &BinParams::encode, kEncodings,
               "a feature per bin (sparse, or a column each), or the number of the bin")
      .AddEnum("strategy", &BinParams::strategy,
               {{"quantile", BinStrategy::kQuantile}, {"uniform", BinStrategy::kUniform}},
               "bins of equal counts, or of equal width");
  types.push_back(MakeTransformType<Binner>(
      {"bin",
       "Cut columns into bins",
       "bin k holds edge_k <= x < edge_(k+1), the outer bins are open; edges are exact quantiles "
       "k / n_bins, linear between neighbours, or equal parts of [min, max]; missing values belong "
       "to no bin",
       {}},
      schema, FitBin));
  types.back().version = 2;
  types.back().table_defaults = {{"encode", "ordinal"}};
}

}  // namespace dml::steps
