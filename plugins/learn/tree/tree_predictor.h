#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/learn/predictor.h"
#include "plugins/learn/tree/grown_tree.h"

namespace dml::learn {

// Trees whose leaf values are averaged: a decision tree is a forest of one. Immutable.
class TreePredictor final : public Predictor {
 public:
  // `classes` 0 means regression. `kind` is "decision_tree" or "random_forest". A tree is freed
  // when what it says is copied.
  TreePredictor(std::string kind, std::size_t classes, std::size_t features,
                std::vector<GrownTree> trees);

  [[nodiscard]] std::string_view kind() const override { return kind_; }
  [[nodiscard]] ModelTask task() const override;
  [[nodiscard]] std::size_t outputs() const override { return outputs_; }
  // A missing value is NaN and goes where the training rows that missed the feature went.
  void Predict(const Tile& tile, std::span<double> out) const override;
  void Save(Json& header, std::vector<OwnedTensor>& tensors) const override;
  // Mean decrease of the impurity per feature, scaled to sum to 1.
  [[nodiscard]] std::vector<double> FeatureWeights() const override { return importances_; }

  // Reverses Save; indices out of range or going backwards are an error, so that prediction always
  // ends.
  static Result<std::unique_ptr<Predictor>> Load(std::string_view kind, const Json& header,
                                                 const TensorFile& file);

 private:
  TreePredictor() = default;
  [[nodiscard]] bool Sound() const;
  [[nodiscard]] std::uint32_t LeafOf(std::size_t root, const double* row) const;

  std::string kind_;
  std::size_t classes_ = 0;
  std::size_t outputs_ = 1;
  std::size_t features_ = 0;
  std::vector<std::int64_t> roots_;  // node of each tree's root, and the end
  std::vector<TreeNode> nodes_;      // children and leaves numbered through all trees
  LeafValues leaf_values_;
  std::vector<double> importances_;
};

// For LoadPredictor: kinds "decision_tree" and "random_forest".
Result<std::unique_ptr<Predictor>> LoadTreePredictor(std::string_view kind, const Json& header,
                                                     const TensorFile& file);

}  // namespace dml::learn
