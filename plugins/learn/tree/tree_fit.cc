#include "plugins/learn/tree/tree_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/quantity.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/regression.h"
#include "plugins/learn/tree/binned_data.h"
#include "plugins/learn/tree/parallel_for.h"
#include "plugins/learn/tree/tree_grower.h"
#include "plugins/learn/tree/tree_predictor.h"

namespace dml::learn {

namespace {

constexpr std::size_t kNamesShown = 5;

std::size_t LeafOfBinnedRow(const BinnedData& data, const GrownTree& tree, std::size_t row) {
  std::uint32_t at = 0;
  while (!tree.nodes[at].is_leaf()) {
    const TreeNode& node = tree.nodes[at];
    const auto feature = static_cast<std::size_t>(node.feature);
    const LevelCode code = data.code(feature, row);
    const bool missing = code >> 8U == data.features[feature].missing_code();
    const bool left = missing ? node.missing_left() : code <= tree.split_code[at];
    at = node.index() + (left ? 0U : 1U);
  }
  return tree.nodes[at].index();
}

// What the trees that did not draw a row say of it, and how many they are.
struct OutOfBag {
  std::vector<double> answer;  // the number, or the class
  std::vector<double> votes;
};

// By blocks of rows: what is predicted for all classes is not kept.
OutOfBag AskOutOfBag(const BinnedData& data, const std::vector<GrownTree>& trees, int threads) {
  const std::size_t outputs = std::max<std::size_t>(data.classes, 1);
  const std::size_t at_once = std::clamp<std::size_t>((std::size_t{1} << 18U) / outputs, 64, 4096);
  const Predictions rule{{}, {}, data.classes, {}};
  OutOfBag out{std::vector<double>(data.rows), std::vector<double>(data.rows, 0.0)};
  ParallelFor(threads, (data.rows + at_once - 1) / at_once, [&](std::size_t block) {
    const std::size_t first = block * at_once;
    const std::size_t last = std::min(data.rows, first + at_once);
    std::vector<double> sums((last - first) * outputs, 0.0);
    for (const GrownTree& tree : trees) {
      for (std::size_t row = first; row < last; ++row) {
        if (tree.in_bag[row]) continue;
        tree.leaf_values.AddTo(LeafOfBinnedRow(data, tree, row),
                               sums.data() + (row - first) * outputs);
        out.votes[row] += 1.0;
      }
    }
    for (std::size_t row = first; row < last; ++row) {
      const auto mean = std::span(sums).subspan((row - first) * outputs, outputs);
      for (double& value : mean) value /= std::max(out.votes[row], 1.0);
      out.answer[row] = data.classes > 0 ? static_cast<double>(rule.Decide(mean)) : mean[0];
    }
  });
  return out;
}

Score ScoreOutOfBag(const BinnedData& data, const OutOfBag& asked,
                    const std::vector<double>& weight) {
  if (data.classes == 0) return R2({data.y, asked.answer, 0, weight});
  std::vector<double> counts(data.classes * data.classes, 0.0);
  for (std::size_t row = 0; row < data.rows; ++row) {
    counts[data.label[row] * data.classes + static_cast<std::size_t>(asked.answer[row])] +=
        weight[row];
  }
  return ConfusionMatrix(data.classes, std::move(counts)).Accuracy();
}

// Of the rows that some tree did not draw.
void AddOutOfBagScore(const BinnedData& data, const std::vector<GrownTree>& trees, int threads,
                      Certificate& certificate) {
  const OutOfBag asked = AskOutOfBag(data, trees, threads);
  std::vector<double> weight(data.rows);
  std::size_t unseen = 0;
  for (std::size_t row = 0; row < data.rows; ++row) {
    const bool seen = asked.votes[row] > 0;
    weight[row] = seen ? static_cast<double>(data.weight[row]) / data.weight_scale : 0.0;
    unseen += seen ? 0U : 1U;
  }
  const Score score = ScoreOutOfBag(data, asked, weight);
  if (score.defined()) certificate.numbers["oob_score"] = *score.value;
  if (!score.defined()) certificate.warnings.push_back("No out-of-bag score: " + score.note);
  if (unseen == 0) return;
  certificate.numbers["rows_without_oob"] = unseen;
  certificate.warnings.push_back(fmt::format(
      "{} rows were drawn for every tree and are left out of the out-of-bag score; more trees "
      "would cover them.",
      unseen));
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > kNamesShown) text += fmt::format(" and {} more", names.size() - kNamesShown);
  return text;
}

// Among the rows that have a weight.
bool TargetVaries(const BinnedData& data) {
  std::optional<double> first;
  for (std::size_t row = 0; row < data.rows; ++row) {
    if (data.weight[row] == 0) continue;
    if (data.y[row] != first.value_or(data.y[row])) return true;
    first = data.y[row];
  }
  return false;
}

void DescribeData(const BinnedData& data, const std::vector<std::string>& names,
                  Certificate& certificate) {
  std::vector<std::string> empty;
  std::size_t binned = 0;
  for (std::size_t f = 0; f < data.features.size(); ++f) {
    if (data.features[f].count() == 0) empty.push_back(names[f]);
    binned += data.features[f].exact ? 0U : 1U;
  }
  certificate.numbers["features_split_at_quantiles"] = binned;
  if (!empty.empty()) {
    certificate.warnings.push_back(
        fmt::format("Without a single value, and so unused: {}.", Listed(empty)));
  }
  if (!TargetVaries(data)) {
    certificate.warnings.emplace_back(
        "The target is the same in every row: the model always predicts it.");
  }
}

void DescribeTrees(const std::vector<GrownTree>& trees, Certificate& certificate) {
  std::size_t nodes = 0;
  std::size_t leaves = 0;
  int depth = 0;
  for (const GrownTree& tree : trees) {
    nodes += tree.nodes.size();
    leaves += (tree.nodes.size() + 1) / 2;
    depth = std::max(depth, tree.depth);
  }
  certificate.iterations = static_cast<int>(trees.size());
  certificate.stopped_because = trees.size() == 1 ? "the tree is grown" : "every tree is grown";
  certificate.numbers["nodes"] = nodes;
  certificate.numbers["leaves"] = leaves;
  certificate.numbers["depth"] = depth;
}

// Whether a forest will fit is told from its first tree, since the others are about as large.
Result<void> RequireRoom(const GrownTree& first, const ForestOptions& options,
                         std::size_t classes) {
  // In memory, and once more while they are written.
  const double needed =
      2.0 * static_cast<double>(first.bytes()) * static_cast<double>(options.n_estimators);
  if (options.memory_bytes <= 0 || needed <= static_cast<double>(options.memory_bytes)) return {};
  const std::size_t leaves = (first.nodes.size() + 1) / 2;
  const std::string of = classes > 0 ? fmt::format(" of {} classes", classes) : std::string();
  return Error::Invalid(
      fmt::format("{} trees like the first, which has {} leaves{}, need about {} to be kept and "
                  "written, and there are {}",
                  options.n_estimators, leaves, of,
                  FormatSize(static_cast<std::int64_t>(std::min(needed, 9e18))),
                  FormatSize(options.memory_bytes)),
      "lower max_depth, max_leaf_nodes or n_estimators, or raise min_samples_leaf; or give the "
      "step more memory with resources: {memory: ...}");
}

// The draws of trees, among the rows that have a weight: the others are as good as absent, and a
// tree that drew nothing else would have nothing to say.
class RowDraws {
 public:
  RowDraws(const BinnedData& data, const ForestOptions& options)
      : rows_(data.rows), seed_(options.tree.seed) {
    for (std::size_t row = 0; row < data.rows; ++row) {
      if (data.weight[row] > 0) weighted_.push_back(static_cast<std::uint32_t>(row));
    }
    draws_ = options.max_samples.value_or(MaxSamples{}).Of(weighted_.size());
  }

  // How often each row is drawn.
  [[nodiscard]] std::vector<std::uint32_t> Of(std::size_t tree) const {
    std::vector<std::uint32_t> drawn = BootstrapCounts(weighted_.size(), draws_, seed_, tree);
    if (drawn.size() == rows_) return drawn;
    std::vector<std::uint32_t> counts(rows_, 0);
    for (std::size_t i = 0; i < drawn.size(); ++i) counts[weighted_[i]] = drawn[i];
    return counts;
  }

 private:
  const std::size_t rows_;
  const std::uint64_t seed_;
  std::vector<std::uint32_t> weighted_;
  std::size_t draws_ = 0;
};

Result<std::vector<GrownTree>> GrowForest(const BinnedData& data, const ForestOptions& options,
                                          std::size_t max_features, const Execution& execution) {
  std::vector<GrownTree> trees(static_cast<std::size_t>(options.n_estimators));
  const RowDraws draws(data, options);
  std::mutex mutex;
  std::size_t done = 0;
  Result<void> room;
  std::atomic<bool> refused = false;
  ParallelFor(execution.threads, trees.size(), [&](std::size_t t) {
    if (execution.stop.stop_requested() || refused) return;
    std::vector<std::uint32_t> counts;
    if (options.bootstrap) counts = draws.Of(t);
    trees[t] = GrowTree(data, options.tree, max_features, counts, t, execution.stop);
    if (t == 0) {
      room = RequireRoom(trees[t], options, data.classes);
      refused = !room.ok();
    }
    if (options.oob_score) {
      for (const std::uint32_t count : counts) trees[t].in_bag.push_back(count > 0);
    }
    if (!execution.progress) return;
    const std::scoped_lock lock(mutex);
    ++done;
    execution.progress(static_cast<double>(done) / static_cast<double>(trees.size()), "trees");
  });
  if (execution.stop.stop_requested()) return Error::Cancelled("training was stopped");
  DML_RETURN_IF_ERROR(std::move(room));
  return trees;
}

}  // namespace

Result<FitResult> FitDecisionTree(const DataSource& source, std::size_t classes,
                                  const TreeOptions& options, const Execution& execution) {
  DML_RETURN_IF_ERROR(CheckTreeOptions(options, classes));
  DML_RETURN_IF_ERROR(CheckMaxFeatures(options.max_features, source.feature_names().size()));
  DML_TRY(const BinnedData data, BinData(source, classes, options.max_bins, execution));
  const std::size_t p = data.features.size();
  const MaxFeatures max_features = options.max_features.value_or(MaxFeatures{});
  std::vector<GrownTree> trees;
  trees.push_back(GrowTree(data, options, max_features.Of(p), {}, 0, execution.stop));
  if (execution.stop.stop_requested()) return Error::Cancelled("training was stopped");
  FitResult result;
  DescribeTrees(trees, result.certificate);
  DescribeData(data, source.feature_names(), result.certificate);
  result.predictor = std::make_unique<TreePredictor>("decision_tree", classes, p, std::move(trees));
  return result;
}

Result<FitResult> FitRandomForest(const DataSource& source, std::size_t classes,
                                  const ForestOptions& options, const Execution& execution) {
  DML_RETURN_IF_ERROR(CheckForestOptions(options, classes));
  DML_RETURN_IF_ERROR(CheckMaxFeatures(options.tree.max_features, source.feature_names().size()));
  DML_RETURN_IF_ERROR(
      CheckMaxSamples(options.max_samples, static_cast<std::size_t>(source.rows())));
  DML_TRY(const BinnedData data, BinData(source, classes, options.tree.max_bins, execution));
  const std::size_t p = data.features.size();
  const MaxFeatures otherwise{classes > 0 ? MaxFeatures::Kind::kSqrt : MaxFeatures::Kind::kAll,
                              0.0};
  const std::size_t max_features = options.tree.max_features.value_or(otherwise).Of(p);
  DML_TRY(std::vector<GrownTree> trees, GrowForest(data, options, max_features, execution));
  FitResult result;
  DescribeTrees(trees, result.certificate);
  DescribeData(data, source.feature_names(), result.certificate);
  if (options.oob_score) AddOutOfBagScore(data, trees, execution.threads, result.certificate);
  result.predictor = std::make_unique<TreePredictor>("random_forest", classes, p, std::move(trees));
  return result;
}

}  // namespace dml::learn
