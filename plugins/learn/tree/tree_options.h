#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dml::learn {

// What a split has to lower. Entropy and log loss are the same criterion under two names.
enum class SplitCriterion { kGini, kEntropy, kSquaredError };

// How many features a node may choose from, drawn anew for every node.
struct MaxFeatures {
  enum class Kind { kAll, kSqrt, kLog2, kCount, kFraction };
  Kind kind = Kind::kAll;
  double value = 0.0;  // of kCount and kFraction

  // Between 1 and `features`; fractions and roots round down, as in scikit-learn.
  [[nodiscard]] std::size_t Of(std::size_t features) const;
  // "sqrt", "log2", "none", "all", a whole number, or a fraction with a point ("1.0" is all).
  static Result<MaxFeatures> Parse(std::string_view text);
};

enum class ClassWeighting { kNone, kBalanced, kBalancedSubsample, kGiven };

// Names and defaults are scikit-learn's. max_bins is dml's: a feature with at most that many
// distinct values is split exactly; of others, nodes with many rows see quantiles first, and every
// value where quantiles tell nothing.
struct TreeOptions {
  std::optional<SplitCriterion> criterion;  // empty: gini, or squared error for regression
  std::optional<int> max_depth;
  int min_samples_split = 2;
  int min_samples_leaf = 1;                 // counts rows, not their weight
  std::optional<MaxFeatures> max_features;  // empty: all; in a classification forest sqrt
  std::optional<int> max_leaf_nodes;        // grows the best split first
  double min_impurity_decrease = 0.0;
  double ccp_alpha = 0.0;  // what a leaf costs when a grown tree is pruned (prune.h); 0: no pruning
  ClassWeighting class_weight = ClassWeighting::kNone;
  std::vector<double> class_weights;  // of kGiven: one per class
  int max_bins = 255;
  std::uint64_t seed = 0;
};

// How many rows each tree of a forest draws.
struct MaxSamples {
  enum class Kind { kShare, kCount };
  Kind kind = Kind::kShare;
  double value = 1.0;

  // Between 1 and `rows`; a share is rounded as scikit-learn does, half to even.
  [[nodiscard]] std::size_t Of(std::size_t rows) const;
};

struct ForestOptions {
  TreeOptions tree;
  int n_estimators = 100;
  bool bootstrap = true;
  std::optional<MaxSamples> max_samples;  // empty: as many as there are rows
  bool oob_score = false;
  std::int64_t memory_bytes = 0;  // what the trees may take; 0: as much as they do
};

// As scikit-learn: a number of features beyond those that there are is kInvalid.
Result<void> CheckMaxFeatures(const std::optional<MaxFeatures>& wanted, std::size_t features);
// Likewise of rows.
Result<void> CheckMaxSamples(const std::optional<MaxSamples>& wanted, std::size_t rows);
// kInvalid with the parameter's name and its bounds. `classes` 0 means regression.
Result<void> CheckTreeOptions(const TreeOptions& options, std::size_t classes);
Result<void> CheckForestOptions(const ForestOptions& options, std::size_t classes);

}  // namespace dml::learn
