#include <cmath>

#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/training/model_forecast.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

struct KMeansParams : TrainingParams {
  int n_clusters = 8;
  learn::KMeansOptions::Init init = learn::KMeansOptions::Init::kPlusPlus;
  Json n_init = 10;
  int max_iter = 300;
  double tol = 1e-4;
  std::uint64_t seed = 0;
};

// auto: what the way to begin is worth; random centres are often bad ones.
int StartsOf(const KMeansParams& params) {
  if (params.n_init.is_number()) return params.n_init.get<int>();
  return params.init == learn::KMeansOptions::Init::kRandom ? 10 : 1;
}

// A number of starts, or auto.
ParamSpec StartsSpec() {
  ParamSpec count;
  count.type = ParamType::kInt;
  count.minimum = 1;
  ParamSpec word;
  word.type = ParamType::kEnum;
  word.choices = {"auto"};
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.element = {word, count};
  spec.default_value = KMeansParams{}.n_init;
  return spec;
}

Result<void> TrainKMeans(const KMeansParams& params, plugins::StepContext& context) {
  learn::KMeansOptions options;
  options.clusters = params.n_clusters;
  options.init = params.init;
  options.n_init = StartsOf(params);
  options.max_iter = params.max_iter;
  options.tol = params.tol;
  options.seed = params.seed;
  const auto fit = [&](const learn::DataSource& source, const ClassNames&,
                       const learn::Execution& execution) {
    return learn::FitKMeans(source, options, execution);
  };
  return Train(params, {ModelTask::kClustering, false, fit}, context);
}

struct PcaParams : TrainingParams {
  Json n_components;
  bool whiten = false;
};

Result<void> TrainPca(const PcaParams& params, plugins::StepContext& context) {
  learn::PcaOptions options;
  options.whiten = params.whiten;
  if (params.n_components.is_number_float()) {
    options.variance_share = params.n_components.get<double>();
  } else if (params.n_components.is_number()) {
    options.components = params.n_components.get<std::size_t>();
  }
  const auto fit = [&](const learn::DataSource& source, const ClassNames&,
                       const learn::Execution& execution) {
    return learn::FitPca(source, options, execution);
  };
  return Train(params, {ModelTask::kTransform, false, fit}, context);
}

}  // namespace

void RegisterUnsupervisedSteps(plugins::StepRegistry& registry) {
  plugins::ParamSchema<KMeansParams> kmeans;
  kmeans.Add("n_clusters", &KMeansParams::n_clusters, "number of clusters")
      .AtLeast(1)
      .AddEnum("init", &KMeansParams::init,
               {{"k-means++", learn::KMeansOptions::Init::kPlusPlus},
                {"k-means||", learn::KMeansOptions::Init::kParallel},
                {"random", learn::KMeansOptions::Init::kRandom}},
               "where the centres start: k-means++ on a sample of at most 32 MiB; k-means|| on "
               "all rows, which finds small far clusters; or random rows")
      .AddJson("n_init", &KMeansParams::n_init, StartsSpec(),
               "starts, of which the best is kept; auto: 10 of random rows, else 1")
      .Add("max_iter", &KMeansParams::max_iter, "iterations at most")
      .AtLeast(1)
      .Add("tol", &KMeansParams::tol, "shift of the centres at which the fit has converged")
      .AtLeast(0)
      .Add("seed", &KMeansParams::seed, "seed of the starts");
  StepSpec clusters =
      TrainingSpec("train.kmeans", "Clusters around k centres", "min sum_i min_k ||x_i - c_k||^2");
  clusters.algorithm_version = 4;
  DeclareModel(clusters, Always(ModelTask::kClustering), Supervised::kNo,
               {{"inertia", "sum of the squared distances to the nearest centre of the model"},
                {"initialised_on_rows", "rows among which the centres started"}});
  registry.Add(MakeStepType(std::move(clusters), WithTraining(kmeans, false), TrainKMeans));
  plugins::ParamSchema<PcaParams> pca;
  pca.AddJson("n_components", &PcaParams::n_components, plugins::CountOrShareSpec(),
              "number of components, or the share of the variance they explain; all by default")
      .Add("whiten", &PcaParams::whiten, "scale every component to unit variance");
  StepSpec components =
      TrainingSpec("train.pca", "Principal components: the directions of largest variance",
                   "eigenvectors of (X - mean)'(X - mean) / (n - 1)");
  components.algorithm_version = 3;
  DeclareModel(components, Always(ModelTask::kTransform), Supervised::kNo,
               {{"components", "number of components"},
                {"noise_variance", "mean variance of the components left out"},
                {"explained_variance_ratio_total", "share of the variance that is explained"},
                {"explained_variance_ratio_*", "share of one of the first 20 components, as _01"}});
  registry.Add(MakeStepType(std::move(components), WithTraining(pca, false), TrainPca));
}

}  // namespace dml::steps
