#include "plugins/learn/tree/tree_grower.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/random.h"
#include "plugins/learn/tree/node_histograms.h"
#include "plugins/learn/tree/prune.h"
#include "plugins/learn/tree/split_finder.h"

namespace dml::learn {

namespace {

SplitCriterion CriterionOf(const BinnedData& data, const TreeOptions& options) {
  return options.criterion.value_or(data.classes > 0 ? SplitCriterion::kGini
                                                     : SplitCriterion::kSquaredError);
}

// rows / (classes x rows of the class), rows counted by weight; a class without rows gets 1.
std::vector<double> BalancedWeights(const BinnedData& data,
                                    const std::vector<std::uint32_t>& counts) {
  std::vector<std::int64_t> of_class(data.classes, 0);
  std::int64_t total = 0;
  for (std::size_t i = 0; i < data.rows; ++i) {
    const std::int64_t weight = data.weight[i] * (counts.empty() ? 1 : counts[i]);
    of_class[data.label[i]] += weight;
    total += weight;
  }
  std::vector<double> weights(data.classes, 1.0);
  for (std::size_t c = 0; c < data.classes; ++c) {
    if (of_class[c] == 0) continue;
    weights[c] = static_cast<double>(total) /
                 (static_cast<double>(data.classes) * static_cast<double>(of_class[c]));
  }
  return weights;
}

std::vector<double> ClassWeights(const BinnedData& data, const TreeOptions& options,
                                 const std::vector<std::uint32_t>& counts) {
  switch (options.class_weight) {
    case ClassWeighting::kNone:
      return {};
    case ClassWeighting::kBalanced:
      return BalancedWeights(data, {});
    case ClassWeighting::kBalancedSubsample:
      return BalancedWeights(data, counts);
    case ClassWeighting::kGiven:
      return options.class_weights;
  }
  return {};
}

template <typename Sample>
class Grower {
 public:
  Grower(const BinnedData& data, const TreeOptions& options, std::size_t max_features,
         const std::vector<std::uint32_t>& counts, std::uint64_t tree, const std::stop_token& stop,
         std::size_t histogram_bytes)
      : data_(data),
        options_(options),
        max_features_(max_features),
        tree_id_(tree),
        stop_(stop),
        rule_(data, CriterionOf(data, options), ClassWeights(data, options, counts)),
        finder_(data, rule_, options.min_samples_leaf),
        histograms_(data, finder_.stride(),
                    max_features == data.features.size() ? histogram_bytes : 0),
        random_(options.seed, "features of a node"),
        order_(data.features.size()),
        depth_max_(options.max_depth.value_or(std::numeric_limits<int>::max())),
        value_(std::max<std::size_t>(data.classes, 1)) {
    tree_.leaf_values = LeafValues(value_.size());
    records_.values = LeafValues(value_.size());
    std::iota(order_.begin(), order_.end(), 0U);
    tree_.importances.assign(data.features.size(), 0.0);
    Collect(counts);
  }

  GrownTree Run() {
    AddNodes(1);
    Pending root{0, 0, samples_.size(), 0, {}, nullptr};
    if (root.end >= kCountedRowsMin) root.cells = histograms_.Make();
    if (root.cells != nullptr) Count(root);
    Open(std::move(root));
    while (!frontier_.empty() && !stop_.stop_requested()) {
      Divide(TakeNext());
      const auto leaves_max = static_cast<std::size_t>(options_.max_leaf_nodes.value_or(0));
      if (leaves_max > 0 && leaves_ + frontier_.size() >= leaves_max) break;
    }
    for (const Pending& rest : frontier_) CloseLeaf(rest, TotalOf(rest));
    if (prunes() && !stop_.stop_requested()) {
      tree_ = Pruned(tree_, records_, value_.size(), options_.ccp_alpha * root_weight_);
    }
    const double sum = std::accumulate(tree_.importances.begin(), tree_.importances.end(), 0.0);
    for (double& importance : tree_.importances) importance /= sum > 0 ? sum : 1.0;
    return std::move(tree_);
  }

 private:
  [[nodiscard]] bool prunes() const { return options_.ccp_alpha > 0; }

  // A node that can be split, with the split found for it.
  struct Pending {
    std::uint32_t node = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    int depth = 0;
    Split split;
    NodeHistograms::Cells cells;  // of all features, if they are worth keeping
  };

  // Nodes of fewer rows are looked at feature by feature.
  static constexpr std::size_t kCountedRowsMin = SplitFinder::kOrderedRows;

  void Collect(const std::vector<std::uint32_t>& counts) {
    samples_.reserve(data_.rows);
    for (std::size_t i = 0; i < data_.rows; ++i) {
      const std::int64_t times = counts.empty() ? 1 : counts[i];
      if (times == 0 || data_.weight[i] == 0) continue;
      const auto row = static_cast<std::uint32_t>(i);
      if constexpr (std::is_same_v<Sample, ClassSample>) {
        samples_.push_back({row, data_.label[i], times * data_.weight[i]});
      } else {
        samples_.push_back({row, times * data_.weight[i], times * data_.value[i]});
      }
    }
    spare_.resize(samples_.size());
  }

  [[nodiscard]] std::span<const Sample> SamplesOf(const Pending& node) const {
    return {samples_.data() + node.begin, node.end - node.begin};
  }

  [[nodiscard]] std::vector<std::int64_t> TotalOf(const Pending& node) const {
    std::vector<std::int64_t> total(rule_.width() + 1, 0);
    for (const Sample& sample : SamplesOf(node)) sample.AddTo(total.data());
    total.back() = static_cast<std::int64_t>(node.end - node.begin);
    return total;
  }

  [[nodiscard]] bool Pure(const Pending& node) const {
    const auto samples = SamplesOf(node);
    return std::ranges::all_of(samples, [&](const Sample& sample) {
      return data_.y[sample.row] == data_.y[samples.front().row];
    });
  }

  std::uint32_t AddNodes(std::size_t count) {
    const auto first = static_cast<std::uint32_t>(tree_.nodes.size());
    tree_.nodes.resize(first + count);
    tree_.split_code.resize(first + count);
    if (prunes()) {
      records_.gain.resize(first + count);
      records_.place.resize(first + count);
    }
    return first;
  }

  // Decides whether a new node is a leaf or waits to be split.
  void Open(Pending node) {
    tree_.depth = std::max(tree_.depth, node.depth);
    const std::vector<std::int64_t> total = TotalOf(node);
    const std::int64_t rows = total.back();
    if (prunes()) {
      rule_.LeafValue(total.data(), value_.data());
      records_.place[node.node] = static_cast<std::uint32_t>(records_.values.size());
      records_.values.Add(value_);
    }
    if (node.depth < depth_max_ && rows >= options_.min_samples_split &&
        rows >= 2LL * options_.min_samples_leaf && !Pure(node)) {
      FindSplit(node, total);
      if (node.split.gain >= 0 && Worthwhile(node.split, total)) {
        frontier_.push_back(std::move(node));
        if (options_.max_leaf_nodes) std::ranges::push_heap(frontier_, LessUrgent);
        return;
      }
    }
    CloseLeaf(node, total);
    histograms_.Drop(node.cells);
  }

  void Count(Pending& node) {
    for (const std::uint32_t feature : order_) {
      if (!finder_.Counts(feature)) continue;
      finder_.Count(SamplesOf(node), feature, histograms_.Of(feature, *node.cells));
    }
  }

  // Gives the children cells: counted for the smaller one, and for the other what is left of the
  // parent's.
  void PassOn(Pending& parent, Pending& left, Pending& right) {
    const bool left_is_smaller = left.end - left.begin <= right.end - right.begin;
    Pending& smaller = left_is_smaller ? left : right;
    Pending& larger = left_is_smaller ? right : left;
    const bool wanted = larger.depth < depth_max_ && larger.end - larger.begin >= kCountedRowsMin;
    if (parent.cells != nullptr && wanted) smaller.cells = histograms_.Make();
    if (smaller.cells == nullptr) {
      histograms_.Drop(parent.cells);
      return;
    }
    Count(smaller);
    NodeHistograms::Subtract(*parent.cells, *smaller.cells);
    larger.cells = std::move(parent.cells);
    if (smaller.end - smaller.begin < kCountedRowsMin) histograms_.Drop(smaller.cells);
  }

  [[nodiscard]] bool Worthwhile(const Split& split, const std::vector<std::int64_t>& total) {
    if (root_weight_ == 0.0) root_weight_ = rule_.Weight(total.data());
    constexpr double kRoundingError = std::numeric_limits<double>::epsilon();
    return split.gain / root_weight_ + kRoundingError >= options_.min_impurity_decrease;
  }

  void FindSplit(Pending& node, const std::vector<std::int64_t>& total) {
    finder_.LookAt(total);
    const std::size_t tried = TryFeatures(node, total);
    if (BinsTellNothing(node, total, tried)) {
      for (std::size_t k = 0; k < tried; ++k) FindAmongLevels(node, total, order_[k]);
    }
    if (node.split.between_bins) finder_.Refine(SamplesOf(node), total, node.split);
    // The draw of a node must not depend on the nodes before it.
    if (max_features_ < order_.size()) std::iota(order_.begin(), order_.end(), 0U);
  }

  // Draws features, which stand first in order_ then, and looks at them. Returns how many.
  std::size_t TryFeatures(Pending& node, const std::vector<std::int64_t>& total) {
    const std::size_t p = order_.size();
    std::size_t useful = 0;
    for (std::size_t tried = 0; tried < p; ++tried) {
      // At least one feature that varies is looked at, however many have to be drawn for it.
      if (tried >= max_features_ && useful > 0) return tried;
      if (max_features_ < p) {
        const std::uint64_t drawn = random_.Below(p - tried, node.node, (tree_id_ << 32) | tried);
        std::swap(order_[tried], order_[tried + static_cast<std::size_t>(drawn)]);
      }
      const std::uint32_t feature = order_[tried];
      const bool divides = node.cells != nullptr
                               ? finder_.Judge(histograms_.Of(feature, *node.cells),
                                               SamplesOf(node), total, feature, node.split)
                               : finder_.Try(SamplesOf(node), total, feature, node.split);
      if (divides) ++useful;
    }
    return p;
  }

  // Whether the best place between bins is no better than chance would have it: then a pattern
  // that is finer than the bins may be all there is.
  [[nodiscard]] bool BinsTellNothing(const Pending& node, const std::vector<std::int64_t>& total,
                                     std::size_t tried) const {
    if (node.end - node.begin < SplitFinder::kOrderedRows || node.split.gain < 0) return false;
    const std::size_t places = tried * static_cast<std::size_t>(options_.max_bins);
    return node.split.gain < rule_.ChanceGain(SamplesOf(node), total, places);
  }

  void FindAmongLevels(Pending& node, const std::vector<std::int64_t>& total,
                       std::uint32_t feature) {
    if (!finder_.Counts(feature) || !data_.features[feature].divided()) return;
    if (!finder_.MayHidePattern(SamplesOf(node), total, feature)) return;
    finder_.TryOrdered(SamplesOf(node), total, feature, node.split);
  }

  static bool LessUrgent(const Pending& a, const Pending& b) {
    return a.split.gain != b.split.gain ? a.split.gain < b.split.gain : a.node > b.node;
  }

  Pending TakeNext() {
    if (options_.max_leaf_nodes) std::ranges::pop_heap(frontier_, LessUrgent);
    Pending next = std::move(frontier_.back());
    frontier_.pop_back();
    return next;
  }

  void Divide(Pending node) {
    const std::size_t middle = Partition(node);
    const std::uint32_t child = AddNodes(2);
    TreeNode& split = tree_.nodes[node.node];
    split.threshold = node.split.threshold;
    split.feature = static_cast<std::int32_t>(node.split.feature);
    split.child = child | (node.split.missing_left ? TreeNode::kMissingLeft : 0U);
    tree_.split_code[node.node] = node.split.code;
    tree_.importances[node.split.feature] += node.split.gain;
    if (prunes()) records_.gain[node.node] = node.split.gain;
    Pending left{child, node.begin, middle, node.depth + 1, {}, nullptr};
    Pending right{child + 1, middle, node.end, node.depth + 1, {}, nullptr};
    PassOn(node, left, right);
    Open(std::move(left));
    Open(std::move(right));
  }

  // Moves the left child's samples to the front, both sides in row order.
  std::size_t Partition(const Pending& node) {
    const std::uint8_t* bins = data_.column(node.split.feature).data();
    const LevelCode* codes = data_.level_column(node.split.feature);
    const std::uint8_t missing = data_.features[node.split.feature].missing_code();
    if (codes == nullptr) {
      return Partition(node, [&](std::uint32_t row) {
        return bins[row] == missing ? node.split.missing_left : bins[row] <= node.split.code >> 8U;
      });
    }
    return Partition(node, [&](std::uint32_t row) {
      return codes[row] >> 8U == missing ? node.split.missing_left : codes[row] <= node.split.code;
    });
  }

  template <typename GoesLeft>
  std::size_t Partition(const Pending& node, const GoesLeft& goes_left) {
    std::size_t left = node.begin;
    std::size_t right = 0;
    for (std::size_t i = node.begin; i < node.end; ++i) {
      const Sample sample = samples_[i];
      const bool is_left = goes_left(sample.row);
      samples_[left] = sample;
      spare_[right] = sample;
      left += is_left ? 1 : 0;
      right += is_left ? 0 : 1;
    }
    std::copy_n(spare_.begin(), right, samples_.begin() + static_cast<std::ptrdiff_t>(left));
    return left;
  }

  void CloseLeaf(const Pending& node, const std::vector<std::int64_t>& total) {
    tree_.nodes[node.node].child = static_cast<std::uint32_t>(leaves_++);
    rule_.LeafValue(total.data(), value_.data());
    tree_.leaf_values.Add(value_);
  }

  const BinnedData& data_;
  const TreeOptions& options_;
  const std::size_t max_features_;
  const std::uint64_t tree_id_;
  const std::stop_token& stop_;
  const ImpurityRule rule_;
  SplitFinder finder_;
  NodeHistograms histograms_;
  const Philox random_;
  std::vector<std::uint32_t> order_;
  const int depth_max_;
  std::vector<double> value_;  // of one leaf, reused
  std::vector<Sample> samples_;
  std::vector<Sample> spare_;
  std::vector<Pending> frontier_;  // a stack, or a heap by gain
  std::size_t leaves_ = 0;
  double root_weight_ = 0.0;
  GrownTree tree_;
  NodeRecords records_;  // if the tree is to be pruned
};

}  // namespace

std::vector<std::uint32_t> BootstrapCounts(std::size_t rows, std::size_t draws, std::uint64_t seed,
                                           std::uint64_t tree) {
  const Philox random(seed, "bootstrap");
  std::vector<std::uint32_t> counts(rows, 0);
  for (std::size_t i = 0; i < draws; ++i) ++counts[random.Below(rows, i, tree)];
  return counts;
}

GrownTree GrowTree(const BinnedData& data, const TreeOptions& options, std::size_t max_features,
                   const std::vector<std::uint32_t>& counts, std::uint64_t tree,
                   const std::stop_token& stop, std::size_t histogram_bytes) {
  if (data.classes > 0) {
    return Grower<ClassSample>(data, options, max_features, counts, tree, stop, histogram_bytes)
        .Run();
  }
  return Grower<ValueSample>(data, options, max_features, counts, tree, stop, histogram_bytes)
      .Run();
}

}  // namespace dml::learn
