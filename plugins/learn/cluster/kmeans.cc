#include "plugins/learn/cluster/kmeans.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

#include "plugins/learn/cluster/kmeans_init.h"
#include "plugins/learn/cluster/lloyd.h"
#include "plugins/learn/cluster/parallel_init.h"
#include "plugins/learn/cluster/row_distances.h"
#include "plugins/learn/moments.h"
#include "plugins/learn/row_sample.h"
#include "plugins/learn/tensors.h"

namespace dml::learn {

namespace {

constexpr std::uint64_t kSampleRowsMin = 1000;

Result<void> CheckOptions(const KMeansOptions& options) {
  if (options.clusters < 1) return Error::Invalid("n_clusters must be at least 1");
  if (options.n_init < 1) return Error::Invalid("n_init must be at least 1");
  if (options.max_iter < 1) return Error::Invalid("max_iter must be at least 1");
  if (!(options.tol >= 0.0)) return Error::Invalid("tol must be 0 or more");
  return {};
}

// What initial centres are sought on.
struct Stand {
  MatrixSource rows;                       // iterated over, to compare starts
  std::optional<MatrixSource> candidates;  // drawn from; absent: the rows themselves
  bool complete = false;                   // they are all rows of the source that have a weight
  [[nodiscard]] const MatrixSource& drawn() const { return candidates ? *candidates : rows; }
};

Result<Stand> StandFor(const DataSource& source, const KMeansOptions& options,
                       const std::vector<double>& shift, const Execution& execution) {
  const auto clusters = static_cast<std::uint64_t>(options.clusters);
  const std::uint64_t rows_max = std::max({kSampleRowsMin, std::uint64_t{20} * clusters,
                                           kSampleBytes / (sizeof(double) * shift.size())});
  const double share =
      std::min(1.0, static_cast<double>(rows_max) / static_cast<double>(source.rows()));
  std::optional<MatrixSource> candidates;
  if (options.init == KMeansOptions::Init::kParallel) {
    DML_TRY(candidates, ParallelCandidates(source, clusters, shift, options.seed, execution));
    // So few distinct rows that they can be looked at one by one.
    if (candidates->rows() <= clusters) candidates.reset();
    if (candidates && share < 1.0) return Stand{std::move(*candidates), {}, false};
  }
  DML_TRY(MatrixSource sample,
          SampleRows(source, {{share}, options.seed, "kmeans sample"}, execution));
  return Stand{std::move(sample), std::move(candidates), share == 1.0};
}

// How far a fit is, for the next attempt of a task.
struct KMeansState {
  int judged = 0;      // starts and repairs that have been iterated
  LloydResult best;    // of them; `centres` is empty if there is none
  LloydState current;  // of the one that is being iterated, or of the iterations over all rows

  template <typename A>
  void Fields(A& archive) {
    archive(judged);
    best.Fields(archive);
    current.Fields(archive);
  }
};

// A fit that begins where an earlier attempt was ended, if it was. The ranks of a gang would have
// to agree on that: they begin anew.
class KMeansFit {
 public:
  KMeansFit(const KMeansOptions& options, const Execution& execution)
      : options_(options),
        checkpoint_(execution.communicator == nullptr ? execution.checkpoint : CheckpointPlace{},
                    "k-means 2") {
    if (!LoadState(checkpoint_, state_)) return;
    checkpoint_.Tell(fmt::format("goes on at a checkpoint: {} starts judged, {} iterations",
                                 state_.judged, state_.current.iterations));
  }

  Result<LloydResult> BestStart(const Stand& stand, const std::vector<double>& shift,
                                const LloydOptions& lloyd, Execution execution);
  // Over all rows, from the best start.
  Result<LloydResult> Refine(const DataSource& source, const std::vector<double>& shift,
                             std::vector<double> centres, const LloydOptions& lloyd,
                             const Execution& execution) {
    if (state_.current.centres.empty()) state_.current.centres = std::move(centres);
    return Iterate(source, shift, lloyd, execution);
  }

 private:
  Result<LloydResult> Iterate(const DataSource& source, const std::vector<double>& shift,
                              const LloydOptions& lloyd, const Execution& execution) {
    const auto iterated = [this](const LloydState& now) {
      if (!checkpoint_.Due()) return;
      state_.current = now;
      SaveState(checkpoint_, state_);
    };
    LloydState from = std::exchange(state_.current, {});
    return IterateLloyd(source, shift, std::move(from), lloyd, execution, iterated);
  }
  // Centres to begin the next start or repair with.
  [[nodiscard]] Result<std::vector<double>> Draw(const Stand& stand,
                                                 const std::vector<double>& shift,
                                                 const LloydOptions& lloyd,
                                                 const Execution& execution) const;

  const KMeansOptions& options_;
  Checkpoint checkpoint_;
  KMeansState state_;
};

// n_init starts on the rows that stand for all, then, unless they are random, three times as many
// repairs: one centre, each in turn, is dropped and drawn anew. A single misplaced centre is what
// Lloyd's iterations cannot mend themselves.
Result<std::vector<double>> KMeansFit::Draw(const Stand& stand, const std::vector<double>& shift,
                                            const LloydOptions& lloyd,
                                            const Execution& execution) const {
  const auto number = static_cast<std::uint64_t>(state_.judged);
  const int repair = state_.judged - options_.n_init;
  if (options_.init == KMeansOptions::Init::kRandom) {
    return RandomCentres(stand.rows, lloyd.clusters, shift, options_.seed, number, execution);
  }
  if (repair < 0) {
    return PlusPlusCentres(stand.drawn(), lloyd.clusters, shift, options_.seed, number, {},
                           execution);
  }
  const auto p = static_cast<std::ptrdiff_t>(shift.size());
  std::vector<double> kept = state_.best.centres;
  const auto drop = kept.begin() + p * (repair % options_.clusters);
  kept.erase(drop, drop + p);
  return PlusPlusCentres(stand.rows, lloyd.clusters, shift, options_.seed, number, std::move(kept),
                         execution);
}

Result<LloydResult> KMeansFit::BestStart(const Stand& stand, const std::vector<double>& shift,
                                         const LloydOptions& lloyd, Execution execution) {
  execution.communicator = nullptr;  // every rank holds all of the stand
  const bool repairs =
      options_.n_init > 1 && options_.clusters > 1 && options_.init != KMeansOptions::Init::kRandom;
  const int last = repairs ? 4 * options_.n_init : options_.n_init;
  LloydResult& best = state_.best;
  while (state_.judged < last) {
    if (state_.current.centres.empty()) {
      DML_TRY(state_.current.centres, Draw(stand, shift, lloyd, execution));
    }
    DML_TRY(LloydResult run, Iterate(stand.rows, shift, lloyd, execution));
    if (best.centres.empty() || run.inertia < best.inertia) best = std::move(run);
    ++state_.judged;
    state_.current = {};
  }
  return best;
}

Certificate Certify(const LloydResult& run, const KMeansOptions& options,
                    std::uint64_t sample_rows) {
  Certificate out;
  out.converged = run.converged;
  out.stopped_because = run.converged ? "the centres moved less than tol" : "max_iter reached";
  out.iterations = run.iterations;
  out.objective_history = run.history;
  out.numbers = {{"inertia", run.inertia},
                 {"cluster_weights", run.weights},
                 {"initialised_on_rows", sample_rows}};
  if (!run.converged) {
    out.warnings.push_back(fmt::format(
        "The centres still moved after {} iterations: raise max_iter.", run.iterations));
  }
  if (run.empty > 0) {
    out.warnings.push_back(
        fmt::format("{} of {} clusters are empty: there are fewer distinct rows than clusters.",
                    run.empty, options.clusters));
  }
  return out;
}

}  // namespace

Result<FitResult> FitKMeans(const DataSource& source, const KMeansOptions& options,
                            const Execution& execution) {
  DML_RETURN_IF_ERROR(CheckOptions(options));
  const std::size_t p = source.feature_names().size();
  if (p == 0) return Error::Invalid("there are no features to train on");
  DML_TRY(const Moments moments, FitVariances(source, execution));
  if (moments.mean.empty()) {
    return Error::Invalid(fmt::format("there are 0 rows for {} clusters", options.clusters),
                          "check the filters before this step");
  }
  const std::vector<double> shift = source.sparse() ? std::vector<double>(p, 0.0) : moments.mean;
  const auto clusters = static_cast<std::size_t>(options.clusters);
  DML_TRY(const Stand stand, StandFor(source, options, shift, execution));
  if (stand.rows.rows() < clusters) {
    return Error::Invalid(
        fmt::format("there are {} rows for {} clusters", stand.rows.rows(), options.clusters),
        "lower n_clusters, or check the filters before this step");
  }
  double variance = 0.0;
  for (const double squares : moments.gram) {
    variance += squares / moments.weight / static_cast<double>(p);
  }
  const LloydOptions lloyd{clusters, options.max_iter, options.tol * variance};
  KMeansFit fit(options, execution);
  DML_TRY(LloydResult run, fit.BestStart(stand, shift, lloyd, execution));
  if (!stand.complete) {
    DML_TRY(run, fit.Refine(source, shift, std::move(run.centres), lloyd, execution));
  }
  FitResult result;
  result.certificate = Certify(run, options, stand.drawn().rows());
  for (std::size_t i = 0; i < run.centres.size(); ++i) run.centres[i] += shift[i % p];
  result.predictor = std::make_unique<KMeansPredictor>(clusters, p, std::move(run.centres));
  return result;
}

void KMeansPredictor::Predict(const Tile& tile, std::span<double> out) const {
  for (std::size_t r = 0; r < tile.rows; ++r) {
    double* row = out.data() + r * outputs();
    std::size_t best = 0;
    for (std::size_t k = 0; k < clusters_; ++k) {
      row[1 + k] = std::sqrt(ExactDistance(tile, r, centres_.data() + k * features_));
      if (row[1 + k] < row[1 + best]) best = k;
    }
    row[0] = static_cast<double>(best);
  }
}

void KMeansPredictor::Save(Json& header, std::vector<OwnedTensor>& tensors) const {
  header["clusters"] = clusters_;
  header["features"] = features_;
  tensors.push_back(MakeTensor(
      "centres", {static_cast<std::int64_t>(clusters_), static_cast<std::int64_t>(features_)},
      centres_));
}

Result<std::unique_ptr<Predictor>> LoadKMeans(const Json& header, const TensorFile& file) {
  const auto clusters = header.at("clusters").get<std::size_t>();
  const auto features = header.at("features").get<std::size_t>();
  DML_TRY(std::vector<double> centres, TakeTensor(file, "centres", clusters * features));
  return std::unique_ptr<Predictor>(
      std::make_unique<KMeansPredictor>(clusters, features, std::move(centres)));
}

}  // namespace dml::learn
