#pragma once

#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/learn/moments.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// Linear least squares with an optional L2 penalty, exactly scikit-learn's objectives:
//   linear_regression:  min over w, b  of  sum_i s_i (y_i - x_i'w - b)^2
//   ridge:              the same + alpha ||w||^2       (b is never penalised)
// One pass collects the centred Gram matrix (Chan merge), which is scaled to unit diagonal and
// factored by Cholesky; passes of iterative refinement with the true residuals follow where the
// condition estimate asks for it. A rank-deficient matrix gets the solution of minimum norm and a
// warning. Constant columns get the weight 0. Where features far outnumber rows (IsWide), the same
// solution is w = Z'a, with (Z Z' + alpha I) a = t over rows, refined in the same way.
struct LinearOptions {
  bool fit_intercept = true;
};

struct RidgeOptions {
  double alpha = 1.0;  // >= 0
  bool fit_intercept = true;
};

Result<FitResult> FitLinearRegression(const DataSource& source, const LinearOptions& options,
                                      const Execution& execution);
Result<FitResult> FitRidge(const DataSource& source, const RidgeOptions& options,
                           const Execution& execution);

// y = x'w + b.
class LinearPredictor final : public Predictor {
 public:
  LinearPredictor(std::string kind, std::vector<double> weights, double intercept)
      : kind_(std::move(kind)), weights_(std::move(weights)), intercept_(intercept) {}

  [[nodiscard]] std::string_view kind() const override { return kind_; }
  [[nodiscard]] ModelTask task() const override { return ModelTask::kRegression; }
  [[nodiscard]] std::size_t outputs() const override { return 1; }
  void Predict(const Tile& tile, std::span<double> out) const override;
  void Save(Json& header, std::vector<OwnedTensor>& tensors) const override;
  [[nodiscard]] std::vector<double> FeatureWeights() const override { return weights_; }
  [[nodiscard]] double intercept() const { return intercept_; }

 private:
  const std::string kind_;
  const std::vector<double> weights_;
  const double intercept_;
};

Result<std::unique_ptr<Predictor>> LoadLinear(std::string_view kind, const Json& header,
                                              const TensorFile& file);

}  // namespace dml::learn
