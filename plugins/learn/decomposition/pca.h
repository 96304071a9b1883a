#pragma once

#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// Principal components from the eigenvectors of the covariance matrix X~'X~ / (n - 1), as
// scikit-learn's PCA with svd_solver=covariance_eigh. Each component's entry of largest magnitude
// is made positive (ties: the first), so signs do not depend on the machine. Weights act as
// repetitions. Where features far outnumber rows (IsWide), the eigenvectors u of the rows' Gram
// matrix give the same ones, Z'u scaled to length 1.
struct PcaOptions {
  std::size_t components = 0;   // 0: min(rows, features), unless variance_share is given
  double variance_share = 0.0;  // in (0, 1): the fewest components that explain this share
  bool whiten = false;          // divide each output by its standard deviation
};

Result<FitResult> FitPca(const DataSource& source, const PcaOptions& options,
                         const Execution& execution);

class PcaPredictor final : public Predictor {
 public:
  struct Parts {
    std::size_t features = 0;
    bool whiten = false;
    double noise_variance = 0.0;     // mean of the variances left out
    std::vector<double> mean;        // features
    std::vector<double> components;  // components x features, unit rows
    std::vector<double> variance;    // per component
    std::vector<double> variance_ratio;
    std::vector<double> singular_values;
  };
  explicit PcaPredictor(Parts parts);

  [[nodiscard]] std::string_view kind() const override { return "pca"; }
  [[nodiscard]] ModelTask task() const override { return ModelTask::kTransform; }
  [[nodiscard]] std::size_t outputs() const override { return parts_.variance.size(); }
  void Predict(const Tile& tile, std::span<double> out) const override;
  void Save(Json& header, std::vector<OwnedTensor>& tensors) const override;
  [[nodiscard]] std::vector<double> FeatureWeights() const override { return {}; }
  [[nodiscard]] const Parts& parts() const { return parts_; }

 private:
  const Parts parts_;
  std::vector<double> projection_;  // the components, divided by deviations when whitening
};

Result<std::unique_ptr<Predictor>> LoadPca(const Json& header, const TensorFile& file);

}  // namespace dml::learn
