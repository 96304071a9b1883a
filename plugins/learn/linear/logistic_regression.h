#pragma once

#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// Logistic regression, binary and multinomial, exactly scikit-learn's objective:
//   min over W, b  of  1/2 ||W||^2 + C sum_i s_i loss_i        (b is never penalised)
// binary: loss = log(1 + exp(-t z)), z = x'w + b, t = +-1; K > 2 classes: loss = -log softmax(z)_y
// with one weight vector per class. s_i = sample weight x class weight. The objective is minimised
// as a mean (divided by C sum s_i); `tol` bounds the largest entry of that gradient, for features
// in units of their own spread. Solvers: logistic_solvers.h. Classes without rows get probability
// 0.
struct LogisticOptions {
  enum class Penalty { kL2, kNone };
  enum class ClassWeight { kNone, kBalanced, kGiven };

  double c = 1.0;  // > 0; inverse strength of the penalty
  Penalty penalty = Penalty::kL2;
  bool fit_intercept = true;
  ClassWeight class_weight = ClassWeight::kNone;  // balanced: sum of weights / (K x class weight)
  std::vector<double> class_weights;              // kGiven: one per class
  double tol = 1e-4;
  int max_iter = 100;
};

// More parameters than this take no Hessian.
inline constexpr std::size_t kNewtonSizeMax = 1500;

// `classes` is the number of class indices that Tile::y may hold.
Result<FitResult> FitLogistic(const DataSource& source, int classes, const LogisticOptions& options,
                              const Execution& execution);

// Probabilities of all classes. `present` are the class indices that were seen in training; two of
// them share one weight vector (the log-odds of the second), more have one each.
class LogisticPredictor final : public Predictor {
 public:
  struct Parts {
    std::size_t classes = 0;
    std::size_t features = 0;
    std::vector<int> present;
    std::vector<double> weights;     // rows of `features` values
    std::vector<double> intercepts;  // one per row of weights
  };
  explicit LogisticPredictor(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] std::string_view kind() const override { return "logistic_regression"; }
  [[nodiscard]] ModelTask task() const override { return ModelTask::kClassification; }
  [[nodiscard]] std::size_t outputs() const override { return parts_.classes; }
  void Predict(const Tile& tile, std::span<double> out) const override;
  void Save(Json& header, std::vector<OwnedTensor>& tensors) const override;
  // Binary: the weights. More classes: the root mean square over classes, per feature.
  [[nodiscard]] std::vector<double> FeatureWeights() const override;
  [[nodiscard]] const Parts& parts() const { return parts_; }

 private:
  const Parts parts_;
};

Result<std::unique_ptr<Predictor>> LoadLogistic(const Json& header, const TensorFile& file);

}  // namespace dml::learn
