#include "plugins/learn/tree/tree_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <utility>

#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/regression.h"
#include "plugins/learn/tree/binned_data.h"
#include "plugins/learn/tree/parallel_for.h"
#include "plugins/learn/tree/tree_grower.h"
#include "plugins/learn/tree/tree_predictor.h"

namespace dml::learn {

namespace {

constexpr std::size_t kNamesShown = 5;

const double* LeafOfBinnedRow(const BinnedData& data, const GrownTree& tree, std::size_t row,
                              std::size_t outputs) {
  std::uint32_t at = 0;
  while (!tree.nodes[at].is_leaf()) {
    const TreeNode& node = tree.nodes[at];
    const auto feature = static_cast<std::size_t>(node.feature);
    const LevelCode code = data.code(feature, row);
    const bool missing = code >> 8U == data.features[feature].missing_code();
    const bool left = missing ? node.missing_left() : code <= tree.split_code[at];
    at = node.index() + (left ? 0U : 1U);
  }
  return tree.leaf_values.data() + tree.nodes[at].index() * outputs;
}

// Predicts every row by the trees that did not draw it, and scores the rows that have such trees.
void AddOutOfBagScore(const BinnedData& data, const std::vector<GrownTree>& trees, int threads,
                      Certificate& certificate) {
  constexpr std::size_t kRowsAtOnce = 4096;
  const std::size_t outputs = std::max<std::size_t>(data.classes, 1);
  std::vector<double> sums(data.rows * outputs, 0.0);
  std::vector<double> votes(data.rows, 0.0);
  const std::size_t blocks = (data.rows + kRowsAtOnce - 1) / kRowsAtOnce;
  ParallelFor(threads, blocks, [&](std::size_t block) {
    const std::size_t last = std::min(data.rows, (block + 1) * kRowsAtOnce);
    for (const GrownTree& tree : trees) {
      for (std::size_t row = block * kRowsAtOnce; row < last; ++row) {
        if (tree.in_bag[row]) continue;
        const double* leaf = LeafOfBinnedRow(data, tree, row, outputs);
        for (std::size_t c = 0; c < outputs; ++c) sums[row * outputs + c] += leaf[c];
        votes[row] += 1.0;
      }
    }
  });
  std::vector<double> weight(data.rows);
  std::size_t unseen = 0;
  for (std::size_t row = 0; row < data.rows; ++row) {
    for (std::size_t c = 0; c < outputs; ++c) {
      sums[row * outputs + c] /= std::max(votes[row], 1.0);
    }
    weight[row] = votes[row] > 0 ? static_cast<double>(data.weight[row]) / data.weight_scale : 0.0;
    unseen += votes[row] > 0 ? 0U : 1U;
  }
  const Predictions predictions{data.y, sums, data.classes, weight};
  const Score score = data.classes > 0 ? ConfusionMatrix(predictions).Accuracy() : R2(predictions);
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
  const auto [low, high] = std::ranges::minmax(data.y);
  if (low == high) {
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

std::vector<GrownTree> GrowForest(const BinnedData& data, const ForestOptions& options,
                                  std::size_t max_features, const Execution& execution) {
  std::vector<GrownTree> trees(static_cast<std::size_t>(options.n_estimators));
  const std::size_t draws = options.max_samples.value_or(MaxSamples{}).Of(data.rows);
  std::mutex mutex;
  std::size_t done = 0;
  ParallelFor(execution.threads, trees.size(), [&](std::size_t t) {
    if (execution.stop.stop_requested()) return;
    std::vector<std::uint32_t> counts;
    if (options.bootstrap) counts = BootstrapCounts(data.rows, draws, options.tree.seed, t);
    trees[t] = GrowTree(data, options.tree, max_features, counts, t, execution.stop);
    if (options.oob_score) {
      for (const std::uint32_t count : counts) trees[t].in_bag.push_back(count > 0);
    }
    if (!execution.progress) return;
    const std::scoped_lock lock(mutex);
    ++done;
    execution.progress(static_cast<double>(done) / static_cast<double>(trees.size()), "trees");
  });
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
  result.predictor = std::make_unique<TreePredictor>("decision_tree", classes, p, trees);
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
  const std::vector<GrownTree> trees = GrowForest(data, options, max_features, execution);
  if (execution.stop.stop_requested()) return Error::Cancelled("training was stopped");
  FitResult result;
  DescribeTrees(trees, result.certificate);
  DescribeData(data, source.feature_names(), result.certificate);
  if (options.oob_score) AddOutOfBagScore(data, trees, execution.threads, result.certificate);
  result.predictor = std::make_unique<TreePredictor>("random_forest", classes, p, trees);
  return result;
}

}  // namespace dml::learn
