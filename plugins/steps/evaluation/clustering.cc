#include "plugins/learn/metrics/clustering.h"

#include <algorithm>
#include <map>

#include "plugins/api/panel.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/moments.h"
#include "plugins/steps/evaluation/evaluate.h"
#include "plugins/steps/evaluation/model_rows.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

constexpr std::size_t kPointsMax = 2000;

struct ClusteringParams {
  plugins::ColumnName labels;
  std::int64_t silhouette_rows = static_cast<std::int64_t>(learn::kSilhouetteRows);
  std::uint64_t seed = 0;
};

// Every row as the model sees it, and its cluster.
struct Clustered {
  std::vector<double> x;  // rows x features
  std::size_t features = 0;
  std::size_t clusters = 0;
  std::vector<std::int32_t> labels;

  [[nodiscard]] learn::Clustering view() const { return {x, features, labels, clusters}; }
};

Result<Clustered> Assign(const learn::Model& model, const DesignMatrix& matrix) {
  Clustered found;
  found.features = matrix.feature_names().size();
  found.clusters = model.predictor->outputs() - 1;
  const std::size_t width = model.predictor->outputs();
  learn::Tile tile;
  std::vector<double> dense;
  std::vector<double> output;
  for (std::size_t t = 0; t < matrix.tile_count(); ++t) {
    DML_RETURN_IF_ERROR(matrix.Read(t, tile));
    output.resize(tile.rows * width);
    model.predictor->Predict(tile, output);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      found.labels.push_back(static_cast<std::int32_t>(output[row * width]));
    }
    const double* const rows = learn::DenseRows(tile, dense);
    found.x.insert(found.x.end(), rows, rows + tile.rows * found.features);
  }
  return found;
}

Result<std::vector<std::int32_t>> ReadLabels(const table::Table& table, const std::string& column) {
  DML_RETURN_IF_ERROR(table.schema().Find(column));
  std::map<std::string, std::int32_t> numbers;
  std::vector<std::int32_t> labels;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {column}));
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const auto next = static_cast<std::int32_t>(numbers.size());
      labels.push_back(numbers.emplace(batch.columns[0].AsText(row), next).first->second);
    }
  }
  return labels;
}

Json SizesPanel(const Clustered& found) {
  std::vector<double> sizes(found.clusters);
  for (const std::int32_t label : found.labels) sizes[static_cast<std::size_t>(label)] += 1.0;
  std::vector<std::string> names;
  for (std::size_t c = 0; c < found.clusters; ++c) names.push_back("cluster " + std::to_string(c));
  return plugins::BarsPanel("Rows in each cluster", names, sizes);
}

// The mean of every feature in every cluster, as the model sees the features.
Json MeansPanel(const Clustered& found, const std::vector<std::string>& names) {
  std::vector<double> sums(found.clusters * found.features);
  std::vector<double> sizes(found.clusters);
  for (std::size_t row = 0; row < found.labels.size(); ++row) {
    const auto cluster = static_cast<std::size_t>(found.labels[row]);
    sizes[cluster] += 1.0;
    for (std::size_t j = 0; j < found.features; ++j) {
      sums[cluster * found.features + j] += found.x[row * found.features + j];
    }
  }
  std::vector<std::string> columns{"cluster", "rows"};
  columns.insert(columns.end(), names.begin(), names.end());
  std::vector<std::vector<Json>> rows;
  for (std::size_t c = 0; c < found.clusters; ++c) {
    std::vector<Json> row{c, sizes[c]};
    for (std::size_t j = 0; j < found.features; ++j) {
      row.push_back(sizes[c] > 0 ? Json(sums[c * found.features + j] / sizes[c]) : Json());
    }
    rows.push_back(std::move(row));
  }
  return plugins::TablePanel("Means by cluster, as the model sees them", columns, rows);
}

// Evenly spaced rows in the plane of their two first principal components.
Result<Json> PlanePanel(const Clustered& found, int threads) {
  const std::size_t stride = (found.labels.size() + kPointsMax - 1) / kPointsMax;
  learn::MatrixSource::Dense matrix;
  matrix.features = found.features;
  std::vector<std::int32_t> labels;
  for (std::size_t row = 0; row < found.labels.size(); row += stride) {
    const auto begin = found.x.begin() + static_cast<std::ptrdiff_t>(row * found.features);
    matrix.x.insert(matrix.x.end(), begin, begin + static_cast<std::ptrdiff_t>(found.features));
    labels.push_back(found.labels[row]);
  }
  const learn::MatrixSource source(matrix, matrix.x.size() / matrix.features);
  learn::Execution execution;
  execution.threads = threads;
  DML_TRY(const learn::FitResult plane, learn::FitPca(source, {2, 0.0, false}, execution));
  learn::Tile tile;
  DML_RETURN_IF_ERROR(source.Read(0, tile));
  std::vector<double> points(tile.rows * 2);
  plane.predictor->Predict(tile, points);
  std::vector<plugins::Series> series(found.clusters);
  for (std::size_t c = 0; c < found.clusters; ++c) series[c].name = "cluster " + std::to_string(c);
  for (std::size_t row = 0; row < tile.rows; ++row) {
    plugins::Series& of = series[static_cast<std::size_t>(labels[row])];
    of.x.push_back(points[row * 2]);
    of.y.push_back(points[row * 2 + 1]);
  }
  return plugins::ScatterPanel("Clusters", "first principal component",
                               "second principal component", series);
}

std::vector<learn::NamedScore> Scores(const ClusteringParams& params, const Clustered& found,
                                      int threads) {
  return {{"inertia", learn::Inertia(found.view())},
          {"silhouette",
           learn::Silhouette(found.view(), static_cast<std::size_t>(params.silhouette_rows),
                             params.seed, threads)},
          {"calinski_harabasz", learn::CalinskiHarabasz(found.view())},
          {"davies_bouldin", learn::DaviesBouldin(found.view())}};
}

void AddAgreement(const std::vector<std::int32_t>& truth, const Clustered& found,
                  std::vector<learn::NamedScore>& scores) {
  const learn::LabelAgreement agreement = learn::CompareLabels(truth, found.labels);
  scores.push_back({"adjusted_rand", agreement.adjusted_rand});
  scores.push_back({"normalized_mutual_info", agreement.normalized_mutual});
  scores.push_back({"homogeneity", agreement.homogeneity});
  scores.push_back({"completeness", agreement.completeness});
  scores.push_back({"v_measure", agreement.v_measure});
}

Result<void> EvaluateClustering(const ClusteringParams& params, plugins::StepContext& context) {
  DML_TRY(const learn::LoadedModel loaded, OpenModel(context));
  DML_RETURN_IF_ERROR(CheckTask(loaded.model, learn::ModelTask::kClustering));
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  if (table.rows() == 0) return Error::Invalid("the table has no rows to evaluate on");
  DML_TRY(const auto matrix, RowsForModel(loaded.model, table));
  DML_TRY(const Clustered found, Assign(loaded.model, *matrix));
  std::vector<learn::NamedScore> scores = Scores(params, found, context.threads);
  if (!params.labels.empty()) {
    DML_TRY(const auto truth, ReadLabels(table, params.labels.name));
    AddAgreement(truth, found, scores);
  }
  ReportScores(scores, context);
  Json panels = Json::array({SizesPanel(found)});
  if (found.features > 1 && found.labels.size() > 2) {
    DML_TRY(Json plane, PlanePanel(found, context.threads));
    panels.push_back(std::move(plane));
  }
  panels.push_back(MeansPanel(found, matrix->feature_names()));
  return WritePanels(std::move(panels), context);
}

}  // namespace

void RegisterClusteringEvaluation(plugins::StepRegistry& registry) {
  plugins::ParamSchema<ClusteringParams> schema;
  schema
      .Add("labels", &ClusteringParams::labels,
           "a column with the true groups, to compare the clusters with")
      .Add("silhouette_rows", &ClusteringParams::silhouette_rows,
           "rows up to which the silhouette is exact; above, a sample of so many stands for all")
      .AtLeast(2)
      .Add("seed", &ClusteringParams::seed, "seed of that sample");
  registry.Add(MakeStepType(
      EvaluationSpec(learn::ModelTask::kClustering, "Score the clusters of a model",
                     "inertia = sum_i ||x_i - c_i||^2; silhouette = mean (b_i - a_i) / "
                     "max(a_i, b_i)"),
      schema, EvaluateClustering));
}

}  // namespace dml::steps
