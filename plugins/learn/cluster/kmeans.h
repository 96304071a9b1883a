#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// k-means: min over centres of sum_i s_i min_k ||x_i - c_k||^2 (the inertia), by Lloyd's
// iterations. Initial centres come from greedy k-means++ (Arthur and Vassilvitskii 2007, with
// scikit-learn's 2 + log k trials), drawn from
//   k-means++   all rows, or a random sample keyed by row id when they are more than kSampleBytes
//   k-means||   the weighted candidates of parallel_init.h: seven passes, finds small far clusters
// or are, with `random`, rows drawn by their weight, without replacement, from what k-means++ would
// draw from. The best of `n_init` starts is then iterated over all rows; starts are compared after
// iterating over as many rows as kSampleBytes holds, or over the candidates. An empty cluster takes
// the row farthest from its centre, ties by row id. Stops when the summed squared movement of the
// centres is at most tol x the mean variance of the features (as scikit-learn), or when nothing
// moves.
struct KMeansOptions {
  enum class Init { kPlusPlus, kParallel, kRandom };

  int clusters = 8;
  Init init = Init::kPlusPlus;
  int n_init = 10;
  int max_iter = 300;
  double tol = 1e-4;
  std::uint64_t seed = 0;
};

inline constexpr std::size_t kSampleBytes = std::size_t{32} << 20U;

Result<FitResult> FitKMeans(const DataSource& source, const KMeansOptions& options,
                            const Execution& execution);

// Label (the nearest centre, ties to the lower index) and the Euclidean distance to each centre.
class KMeansPredictor final : public Predictor {
 public:
  KMeansPredictor(std::size_t clusters, std::size_t features, std::vector<double> centres)
      : clusters_(clusters), features_(features), centres_(std::move(centres)) {}

  [[nodiscard]] std::string_view kind() const override { return "kmeans"; }
  [[nodiscard]] ModelTask task() const override { return ModelTask::kClustering; }
  [[nodiscard]] std::size_t outputs() const override { return 1 + clusters_; }
  void Predict(const Tile& tile, std::span<double> out) const override;
  void Save(Json& header, std::vector<OwnedTensor>& tensors) const override;
  [[nodiscard]] std::vector<double> FeatureWeights() const override { return {}; }
  [[nodiscard]] const std::vector<double>& centres() const { return centres_; }

 private:
  const std::size_t clusters_;
  const std::size_t features_;
  const std::vector<double> centres_;  // clusters x features
};

Result<std::unique_ptr<Predictor>> LoadKMeans(const Json& header, const TensorFile& file);

}  // namespace dml::learn
