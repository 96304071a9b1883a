#include "plugins/learn/metrics/clustering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>

#include "plugins/api/panel.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/fit_loop.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/tile_cache.h"
#include "plugins/steps/evaluation/evaluate.h"
#include "plugins/steps/evaluation/model_rows.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/training/pipeline_fit.h"

namespace dml::steps {

namespace {

constexpr std::size_t kScatterPointsMax = 2000;  // of the scatter plot
// Its rows are dense: of so many features that these would be gigabytes, fewer are shown.
constexpr std::size_t kScatterCellsMax = std::size_t{1} << 24U;
constexpr std::size_t kScatterPointsMin = 50;
constexpr std::size_t kPairsMax = 100'000;  // of labels and clusters

struct ClusteringParams {
  plugins::ColumnName labels;
  Json silhouette_rows;
  std::uint64_t seed = 0;
};

// All rows, or a number of them.
ParamSpec SilhouetteRowsSpec() {
  ParamSpec all;
  all.type = ParamType::kEnum;
  all.choices = {"all"};
  ParamSpec count;
  count.type = ParamType::kInt;
  count.minimum = 2;
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.element = {all, count};
  return spec;
}

learn::SilhouetteOptions SilhouetteOptionsOf(const ClusteringParams& params,
                                             const plugins::StepContext& context) {
  // A quarter: tiles take half of the memory, and readers need some.
  learn::SilhouetteOptions options{{}, params.seed, context.memory_bytes / 4};
  if (params.silhouette_rows.is_string()) {
    options.rows_max = std::numeric_limits<std::uint64_t>::max();
  } else if (!params.silhouette_rows.is_null()) {
    options.rows_max = params.silhouette_rows.get<std::uint64_t>();
  }
  return options;
}

// The cluster that the model puts each row in.
learn::ClusteredRows Clustered(const learn::Predictor& predictor, const learn::DataSource& rows) {
  const std::size_t width = predictor.outputs();
  const auto assign = [&predictor, width](const learn::Tile& tile, std::span<std::int32_t> out) {
    std::vector<double> output(tile.rows * width);
    predictor.Predict(tile, output);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      out[row] = static_cast<std::int32_t>(output[row * width]);
    }
  };
  return {rows, width - 1, assign};
}

// How often each true label, of which `truth` is a view, meets each cluster.
Result<learn::LabelCounts> CountLabels(const learn::ClusteredRows& clustering, const RowView& truth,
                                       const learn::Execution& execution) {
  learn::LabelCounts counts;
  std::mutex mutex;  // guards counts
  const auto count = [&](std::size_t index) -> Result<void> {
    learn::Tile scratch;
    DML_TRY(const learn::Tile* tile, clustering.rows.View(index, scratch));
    std::vector<std::int32_t> found(tile->rows);
    clustering.assign(*tile, found);
    DML_TRY(const std::vector<table::Batch> pieces, truth.Read(index));
    learn::LabelCounts here;
    std::size_t at = 0;
    for (const table::Batch& piece : pieces) {
      for (std::size_t row = 0; row < piece.rows; ++row) {
        here.Add(piece.columns[0].AsText(row), found[at++]);
      }
    }
    const std::scoped_lock lock(mutex);
    counts.Merge(here);
    if (counts.pairs.size() <= kPairsMax) return {};
    return Error::Invalid(
        fmt::format("the column '{}' has more than {} different labels over the clusters",
                    truth.schema().fields[0].name, kPairsMax),
        "labels name groups of rows: choose another column, or leave it out");
  };
  DML_RETURN_IF_ERROR(learn::ForEachTile(0, clustering.rows.tile_count(), execution, count));
  return counts;
}

std::string ClusterName(std::size_t cluster) { return "cluster " + std::to_string(cluster); }

Json SizesPanel(const learn::ClusterSummary& summary) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < summary.size.size(); ++c) names.push_back(ClusterName(c));
  return plugins::BarsPanel("Rows in each cluster", names, summary.size);
}

// The mean of every feature in every cluster, as the model sees the features.
Json MeansPanel(const learn::ClusterSummary& summary, const std::vector<std::string>& names) {
  std::vector<std::string> columns{"cluster", "rows"};
  columns.insert(columns.end(), names.begin(), names.end());
  std::vector<std::vector<Json>> rows;
  for (std::size_t c = 0; c < summary.size.size(); ++c) {
    std::vector<Json> row{c, summary.size[c]};
    for (const double mean : summary.centre(c)) {
      row.push_back(summary.size[c] > 0 ? Json(mean) : Json());
    }
    rows.push_back(std::move(row));
  }
  return plugins::TablePanel("Means by cluster, as the model sees them", columns, rows);
}

// Evenly spaced rows in the plane of their two first principal components.
Result<Json> PlanePanel(const learn::ClusteredRows& clustering, const learn::Execution& execution) {
  const std::uint64_t total = clustering.rows.rows();
  const std::size_t features = std::max<std::size_t>(clustering.rows.feature_names().size(), 1);
  const std::uint64_t points_max =
      std::clamp(kScatterCellsMax / features, kScatterPointsMin, kScatterPointsMax);
  const std::uint64_t stride = (total + points_max - 1) / points_max;
  std::vector<std::uint64_t> rows;
  for (std::uint64_t row = 0; row < total; row += stride) rows.push_back(row);
  DML_TRY(learn::ClusterPoints points, PickRows(clustering, rows, execution));
  learn::MatrixSource::Dense matrix;
  matrix.features = points.features;
  matrix.x = std::move(points.x);
  const learn::MatrixSource source(matrix, rows.size());
  DML_TRY(const learn::FitResult plane, learn::FitPca(source, {2, 0.0, false}, execution));
  learn::Tile tile;
  DML_RETURN_IF_ERROR(source.Read(0, tile));
  std::vector<double> places(tile.rows * 2);
  plane.predictor->Predict(tile, places);
  std::vector<plugins::Series> series(clustering.clusters);
  for (std::size_t c = 0; c < series.size(); ++c) series[c].name = ClusterName(c);
  for (std::size_t row = 0; row < tile.rows; ++row) {
    plugins::Series& of = series[static_cast<std::size_t>(points.labels[row])];
    of.x.push_back(places[row * 2]);
    of.y.push_back(places[row * 2 + 1]);
  }
  return plugins::ScatterPanel("Clusters", "first principal component",
                               "second principal component", series);
}

void AddAgreement(const learn::LabelCounts& counts, std::vector<learn::NamedScore>& scores) {
  const learn::LabelAgreement agreement = learn::CompareLabels(counts);
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
  DML_TRY(const RowView seen, RowsForModel(loaded.model, table, context));
  DML_RETURN_IF_ERROR(ReportDroppedRows(seen, context));
  DML_TRY(const auto matrix, MatrixForModel(loaded.model, table, seen));
  DML_TRY(const std::string scratch, TileScratch(loaded.model.preprocessing, context));
  const learn::TileCache rows(*matrix, TileCacheBytes(context), scratch);
  const learn::ClusteredRows clustering = Clustered(*loaded.model.predictor, rows);
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  if (context.monitor != nullptr) {
    execution.progress = [&context](double fraction, const char* note) {
      context.monitor->Progress(fraction, note);
    };
  }
  DML_TRY(const learn::ClusterSummary summary, SummariseClusters(clustering, execution));
  DML_TRY(const learn::Score silhouette,
          learn::Silhouette(clustering, SilhouetteOptionsOf(params, context), execution));
  std::vector<learn::NamedScore> scores{{"inertia", learn::Inertia(summary)},
                                        {"silhouette", silhouette},
                                        {"calinski_harabasz", learn::CalinskiHarabasz(summary)},
                                        {"davies_bouldin", learn::DaviesBouldin(summary)}};
  if (!params.labels.empty()) {
    DML_TRY(const RowView truth, RowView::Of(table, {params.labels.name}));
    DML_TRY(const learn::LabelCounts counts,
            CountLabels(clustering, truth.SelectAs(seen), execution));
    AddAgreement(counts, scores);
  }
  ReportScores(scores, context);
  Json panels = Json::array({SizesPanel(summary)});
  if (summary.features > 1 && seen.rows() > 2) {
    DML_TRY(Json plane, PlanePanel(clustering, execution));
    panels.push_back(std::move(plane));
  }
  panels.push_back(MeansPanel(summary, matrix->feature_names()));
  return WritePanels(std::move(panels), context);
}

std::vector<MetricSpec> ScoresOfClusters() {
  const std::string labels = "labels";
  return {{"inertia",
           "sum of the squared distances to the means of the clusters, as these rows have them"},
          {"silhouette", "mean silhouette: -1 to 1, more is better"},
          {"calinski_harabasz", "variance between clusters over that within: more is better"},
          {"davies_bouldin", "mean likeness of a cluster to the nearest: less is better"},
          {"adjusted_rand", "agreement with the labels, 0 by chance and 1 at best", labels},
          {"normalized_mutual_info", "information shared with the labels, 0 to 1", labels},
          {"homogeneity", "1 if every cluster holds one label only", labels},
          {"completeness", "1 if the rows of a label are in one cluster", labels},
          {"v_measure", "harmonic mean of homogeneity and completeness", labels},
          DroppedMetric()};
}

}  // namespace

void RegisterClusteringEvaluation(plugins::StepRegistry& registry) {
  plugins::ParamSchema<ClusteringParams> schema;
  schema
      .Add("labels", &ClusteringParams::labels,
           "a column with the true groups, to compare the clusters with")
      .AddJson("silhouette_rows", &ClusteringParams::silhouette_rows, SilhouetteRowsSpec(),
               "rows that the silhouette looks at: all, or a number, and of more rows a sample of "
               "so many; by default it is exact while rows^2 x (features + 10) stays below 4e11, "
               "as with 115,000 rows of 20 features, and a sample of so many stands for more")
      .Add("seed", &ClusteringParams::seed, "seed of that sample");
  StepSpec spec = EvaluationSpec(learn::ModelTask::kClustering, "Score the clusters of a model",
                                 "inertia = sum_i ||x_i - m_i||^2, m_i the mean of the rows of its "
                                 "cluster; silhouette = mean (b_i - a_i) / max(a_i, b_i)");
  spec.algorithm_version = 6;
  spec.metrics = ScoresOfClusters();
  registry.Add(MakeStepType(std::move(spec), schema, EvaluateClustering));
}

}  // namespace dml::steps
