#pragma once

#include <cstddef>

#include "plugins/learn/execution.h"
#include "plugins/learn/predictor.h"
#include "plugins/learn/tree/tree_options.h"

namespace dml::learn {

// Fits by histograms of byte-coded features, and by sorted levels where nodes are small, a bin
// decides, or bins hide what a feature tells: found in all rows (hidden_patterns.h), or, in a node
// whose best place between bins gains no more than chance (ImpurityRule::ChanceGain), in a sample
// (SplitFinder::MayHidePattern). Equal to the exact algorithm where a feature has at most max_bins
// distinct values, and, while there are no more than 256 times as many, where levels are sorted.
// Missing features (NaN) go to the side that gains more. `classes` is the number of classes, or 0
// for regression. Every sum is an integer: the model is the same bits for every thread count and
// partitioning. Memory: three bytes per cell; per row 28 bytes for classes, 32 for numbers; per row
// and thread 52 and 68; per thread the histograms of nodes that wait, kHistogramBytes at most, and
// 2 KiB per class; per leaf 44 bytes and what it predicts: 8 for each class, and of more than 16
// classes 12 for each that the leaf has rows of. Errors: kInvalid for bad options or rows,
// kCancelled.
Result<FitResult> FitDecisionTree(const DataSource& source, std::size_t classes,
                                  const TreeOptions& options, const Execution& execution);

// Breiman, "Random forests" (2001), averaging probabilities as scikit-learn does. Trees grow in
// parallel, each from draws of (seed, tree). The certificate holds the out-of-bag score on request:
// accuracy or R2 over the rows that some tree did not see. kInvalid also if as many trees as the
// first one would not fit into options.memory_bytes: known when one tree is grown.
Result<FitResult> FitRandomForest(const DataSource& source, std::size_t classes,
                                  const ForestOptions& options, const Execution& execution);

}  // namespace dml::learn
