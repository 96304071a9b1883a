#include "plugins/learn/tree/tree_predictor.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/check.h"

namespace dml::learn {

namespace {

// Cells of sparse rows that are spread out at once: a whole tile of a hundred thousand features
// would take gigabytes.
constexpr std::size_t kSpreadCells = std::size_t{1} << 20U;

// Calls visit(place, value) for what rows [first, last) store; the place counts cells from the
// first feature of row `first`.
template <typename Visit>
void ForEachStored(const Tile& tile, std::size_t first, std::size_t last, const Visit& visit) {
  for (std::size_t i = first; i < last; ++i) {
    for (auto cell = static_cast<std::size_t>(tile.offsets[i]);
         cell < static_cast<std::size_t>(tile.offsets[i + 1]); ++cell) {
      visit((i - first) * tile.features + static_cast<std::size_t>(tile.indices[cell]),
            tile.values[cell]);
    }
  }
}

template <typename T>
OwnedTensor Owned(std::string name, TensorType type, std::vector<std::int64_t> shape,
                  const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {std::move(name), type, std::move(shape), {bytes.begin(), bytes.end()}};
}

template <typename T>
Result<std::vector<T>> Values(const TensorFile& file, std::string_view name, TensorType type) {
  DML_TRY(const TensorView* view, file.Get(name, type));
  const auto values = view->As<T>();
  return std::vector<T>(values.begin(), values.end());
}

template <typename T>
std::vector<T> OfNodes(const std::vector<TreeNode>& nodes, T TreeNode::*member) {
  std::vector<T> out;
  out.reserve(nodes.size());
  for (const TreeNode& node : nodes) out.push_back(node.*member);
  return out;
}

std::vector<double> MeanImportances(const std::vector<GrownTree>& trees, std::size_t features) {
  std::vector<double> mean(features, 0.0);
  double sum = 0.0;
  for (const GrownTree& tree : trees) {
    for (std::size_t f = 0; f < features; ++f) mean[f] += tree.importances[f];
  }
  for (const double value : mean) sum += value;
  for (double& value : mean) value /= sum > 0 ? sum : 1.0;
  return mean;
}

}  // namespace

TreePredictor::TreePredictor(std::string kind, std::size_t classes, std::size_t features,
                             std::vector<GrownTree> trees)
    : kind_(std::move(kind)),
      classes_(classes),
      outputs_(classes > 0 ? classes : 1),
      features_(features),
      leaf_values_(outputs_),
      importances_(MeanImportances(trees, features)) {
  for (GrownTree& grown : trees) {
    const GrownTree tree = std::move(grown);
    const auto first_node = static_cast<std::uint32_t>(nodes_.size());
    const auto first_leaf = static_cast<std::uint32_t>(leaf_values_.size());
    roots_.push_back(static_cast<std::int64_t>(nodes_.size()));
    for (TreeNode node : tree.nodes) {
      node.child += node.is_leaf() ? first_leaf : first_node;
      nodes_.push_back(node);
    }
    leaf_values_.Append(tree.leaf_values);
  }
  roots_.push_back(static_cast<std::int64_t>(nodes_.size()));
}

ModelTask TreePredictor::task() const {
  return classes_ > 0 ? ModelTask::kClassification : ModelTask::kRegression;
}

std::uint32_t TreePredictor::LeafOf(std::size_t root, const double* row) const {
  const TreeNode* node = &nodes_[root];
  while (!node->is_leaf()) {
    const double value = row[node->feature];
    const bool left = value <= node->threshold || (std::isnan(value) && node->missing_left());
    node = &nodes_[node->index() + (left ? 0U : 1U)];
  }
  return node->index();
}

void TreePredictor::Predict(const Tile& tile, std::span<double> out) const {
  DML_CHECK(tile.features == features_, "the tile has the features of the training rows");
  DML_CHECK(out.size() == tile.rows * outputs_, "room for every output");
  std::ranges::fill(out, 0.0);
  const std::size_t trees = roots_.size() - 1;
  // Tree by tree, so that its nodes stay in the cache; each output is summed in tree order.
  const auto add = [&](const double* x, std::size_t first, std::size_t last) {
    for (std::size_t t = 0; t < trees; ++t) {
      const auto root = static_cast<std::size_t>(roots_[t]);
      for (std::size_t i = first; i < last; ++i) {
        leaf_values_.AddTo(LeafOf(root, x + (i - first) * features_), out.data() + i * outputs_);
      }
    }
  };
  if (tile.sparse()) {
    const std::size_t at_once =
        std::max<std::size_t>(kSpreadCells / std::max<std::size_t>(features_, 1), 1);
    std::vector<double> spread(std::min(at_once, tile.rows) * features_, 0.0);
    for (std::size_t first = 0; first < tile.rows; first += at_once) {
      const std::size_t last = std::min(first + at_once, tile.rows);
      ForEachStored(tile, first, last, [&](std::size_t at, double value) { spread[at] = value; });
      add(spread.data(), first, last);
      ForEachStored(tile, first, last, [&](std::size_t at, double) { spread[at] = 0.0; });
    }
  } else {
    add(tile.x.data(), 0, tile.rows);
  }
  for (double& value : out) value /= static_cast<double>(trees);
}

void TreePredictor::Save(Json& header, std::vector<OwnedTensor>& tensors) const {
  header["classes"] = classes_;
  header["features"] = features_;
  header["trees"] = roots_.size() - 1;
  const auto nodes = static_cast<std::int64_t>(nodes_.size());
  tensors.push_back(
      Owned("roots", TensorType::kI64, {static_cast<std::int64_t>(roots_.size())}, roots_));
  tensors.push_back(
      Owned("thresholds", TensorType::kF64, {nodes}, OfNodes(nodes_, &TreeNode::threshold)));
  tensors.push_back(
      Owned("split_features", TensorType::kI32, {nodes}, OfNodes(nodes_, &TreeNode::feature)));
  tensors.push_back(
      Owned("children", TensorType::kU32, {nodes}, OfNodes(nodes_, &TreeNode::child)));
  leaf_values_.Save(tensors);
  tensors.push_back(
      Owned("importances", TensorType::kF64, {static_cast<std::int64_t>(features_)}, importances_));
}

bool TreePredictor::Sound() const {
  if (outputs_ == 0 || roots_.size() < 2 || roots_.front() != 0) return false;
  if (std::ranges::adjacent_find(roots_, std::greater_equal<>{}) != roots_.end()) return false;
  if (roots_.back() != static_cast<std::int64_t>(nodes_.size())) return false;
  if (importances_.size() != features_) return false;
  const std::size_t leaves = leaf_values_.size();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const TreeNode& node = nodes_[i];
    if (node.is_leaf()) {
      if (node.child >= leaves) return false;
      continue;
    }
    if (node.feature < 0 || static_cast<std::size_t>(node.feature) >= features_) return false;
    if (node.index() <= i || node.index() + std::size_t{1} >= nodes_.size()) return false;
  }
  return true;
}

Result<std::unique_ptr<Predictor>> TreePredictor::Load(std::string_view kind, const Json& header,
                                                       const TensorFile& file) {
  std::unique_ptr<TreePredictor> model(new TreePredictor);
  const auto number = [&](const char* key) -> std::size_t {
    const auto found = header.find(key);
    return found != header.end() && found->is_number_unsigned() ? found->get<std::size_t>() : 0;
  };
  model->kind_ = kind;
  model->classes_ = number("classes");
  model->features_ = number("features");
  model->outputs_ = std::max<std::size_t>(model->classes_, 1);
  DML_TRY(model->roots_, Values<std::int64_t>(file, "roots", TensorType::kI64));
  DML_TRY(const auto thresholds, Values<double>(file, "thresholds", TensorType::kF64));
  DML_TRY(const auto features, Values<std::int32_t>(file, "split_features", TensorType::kI32));
  DML_TRY(const auto children, Values<std::uint32_t>(file, "children", TensorType::kU32));
  DML_TRY(model->leaf_values_, LeafValues::Load(model->outputs_, file));
  DML_TRY(model->importances_, Values<double>(file, "importances", TensorType::kF64));
  const Error broken = Error::Invalid("the model file is damaged: its trees do not hang together",
                                      "train the model again");
  if (features.size() != thresholds.size() || children.size() != thresholds.size()) return broken;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    model->nodes_.push_back({thresholds[i], features[i], children[i]});
  }
  if (!model->Sound()) return broken;
  return std::unique_ptr<Predictor>(std::move(model));
}

Result<std::unique_ptr<Predictor>> LoadTreePredictor(std::string_view kind, const Json& header,
                                                     const TensorFile& file) {
  return TreePredictor::Load(kind, header, file);
}

}  // namespace dml::learn
