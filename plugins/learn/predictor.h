#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/tensor_file.h"
#include "plugins/learn/data_source.h"

namespace dml::learn {

enum class ModelTask { kRegression, kClassification, kClustering, kTransform };

[[nodiscard]] std::string_view ModelTaskName(ModelTask task);

// A tensor that owns its bytes, on its way into a model file.
struct OwnedTensor {
  std::string name;
  TensorType type = TensorType::kF64;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;
};

// A fitted estimator: what a model file holds besides preprocessing. Immutable and thread-safe.
class Predictor {
 public:
  virtual ~Predictor() = default;
  [[nodiscard]] virtual std::string_view kind() const = 0;  // "ridge": names the loader
  [[nodiscard]] virtual ModelTask task() const = 0;
  // Values per row: regression 1; classification K probabilities that sum to 1; clustering
  // 1 + k (label, then distances to centres); transform the number of components.
  [[nodiscard]] virtual std::size_t outputs() const = 0;
  // Writes rows x outputs(), row-major.
  virtual void Predict(const Tile& tile, std::span<double> out) const = 0;
  // Scalars (intercepts, sizes, options) as Json and arrays as tensors; LoadPredictor reverses it.
  virtual void Save(Json& header, std::vector<OwnedTensor>& tensors) const = 0;
  // "weights" or "importances" per feature for reports; empty if the kind has none.
  [[nodiscard]] virtual std::vector<double> FeatureWeights() const = 0;
};

Result<std::unique_ptr<Predictor>> LoadPredictor(std::string_view kind, const Json& header,
                                                 const TensorFile& file);

// What a fit can prove about its result; stored in the model and printed in reports.
struct Certificate {
  bool converged = true;
  std::string stopped_because;  // "gradient below tol", "max_iter reached"
  int iterations = 0;
  std::vector<double> objective_history;
  Json numbers = Json::object();      // "condition_estimate", "gradient_norm", "inertia", ...
  std::vector<std::string> warnings;  // full sentences for people

  [[nodiscard]] Json ToJson() const;
};

struct FitResult {
  std::unique_ptr<Predictor> predictor;
  Certificate certificate;
};

}  // namespace dml::learn
