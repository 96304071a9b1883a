#include "plugins/learn/linear/logistic_regression.h"

#include <fmt/format.h>

#include <cmath>

#include "plugins/learn/kernels/logistic.h"
#include "plugins/learn/kernels/tile_product.h"
#include "plugins/learn/linear/logistic_objective.h"
#include "plugins/learn/linear/logistic_solvers.h"
#include "plugins/learn/tensors.h"

namespace dml::learn {

namespace {

void Warn(const LogisticObjective& objective, const LogisticOptions& options, int classes,
          LogisticOptimum& optimum) {
  std::vector<std::string>& warnings = optimum.certificate.warnings;
  if (!optimum.certificate.converged) {
    warnings.push_back(fmt::format(
        "The fit did not converge in {} iterations ({}): raise max_iter, or standardize the "
        "features.",
        optimum.certificate.iterations, optimum.certificate.stopped_because));
  }
  if (optimum.lowest_margin > 0.0 && options.penalty == LogisticOptions::Penalty::kNone) {
    warnings.emplace_back(
        "The features separate the classes perfectly: without a penalty the weights have no finite "
        "optimum and say only how long the fit ran. Use a penalty.");
  }
  if (objective.present().size() < static_cast<std::size_t>(classes)) {
    warnings.push_back(
        fmt::format("Only {} of {} classes have training rows: the others get probability 0.",
                    objective.present().size(), classes));
  }
}

}  // namespace

Result<FitResult> FitLogistic(const DataSource& source, int classes, const LogisticOptions& options,
                              const Execution& execution) {
  DML_TRY(const LogisticObjective objective,
          LogisticObjective::Make(source, classes, options, execution));
  DML_TRY(LogisticOptimum optimum, MinimiseLogistic(objective, source, options, execution));
  Warn(objective, options, classes, optimum);
  return FitResult{objective.MakePredictor(optimum.parameters), std::move(optimum.certificate)};
}

void LogisticPredictor::Predict(const Tile& tile, std::span<double> out) const {
  const std::vector<double> zeros(parts_.features, 0.0);
  const std::size_t n = parts_.intercepts.size();
  std::vector<double> z(tile.rows * n);
  TileAffine(tile, zeros.data(), parts_.weights.data(), parts_.intercepts.data(), n, z.data());
  std::ranges::fill(out, 0.0);
  if (n == 1) {
    std::vector<double> other(tile.rows);
    for (std::size_t r = 0; r < tile.rows; ++r) other[r] = -z[r];
    Sigmoid(z.data(), z.size());
    Sigmoid(other.data(), other.size());
    for (std::size_t r = 0; r < tile.rows; ++r) {
      out[r * parts_.classes + static_cast<std::size_t>(parts_.present[0])] = other[r];
      out[r * parts_.classes + static_cast<std::size_t>(parts_.present[1])] = z[r];
    }
    return;
  }
  SoftmaxLoss(z.data(), nullptr, nullptr, tile.rows, n);
  for (std::size_t r = 0; r < tile.rows; ++r) {
    for (std::size_t k = 0; k < n; ++k) {
      out[r * parts_.classes + static_cast<std::size_t>(parts_.present[k])] = z[r * n + k];
    }
  }
}

void LogisticPredictor::Save(Json& header, std::vector<OwnedTensor>& tensors) const {
  header["classes"] = parts_.classes;
  header["features"] = parts_.features;
  header["present"] = parts_.present;
  const auto rows = static_cast<std::int64_t>(parts_.intercepts.size());
  const auto features = static_cast<std::int64_t>(parts_.features);
  tensors.push_back(MakeTensor("weights", {rows, features}, parts_.weights));
  tensors.push_back(MakeTensor("intercepts", {rows}, parts_.intercepts));
}

std::vector<double> LogisticPredictor::FeatureWeights() const {
  const std::size_t n = parts_.intercepts.size();
  if (n == 1) return parts_.weights;
  std::vector<double> out(parts_.features, 0.0);
  for (std::size_t j = 0; j < parts_.features; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      const double w = parts_.weights[k * parts_.features + j];
      out[j] += w * w / static_cast<double>(n);
    }
    out[j] = std::sqrt(out[j]);
  }
  return out;
}

Result<std::unique_ptr<Predictor>> LoadLogistic(const Json& header, const TensorFile& file) {
  LogisticPredictor::Parts parts;
  parts.classes = header.at("classes").get<std::size_t>();
  parts.features = header.at("features").get<std::size_t>();
  parts.present = header.at("present").get<std::vector<int>>();
  for (const int k : parts.present) {
    if (k < 0 || static_cast<std::size_t>(k) >= parts.classes) {
      return Error::Invalid("the model names a class that it does not have",
                            "the file is damaged: train the model again");
    }
  }
  const std::size_t rows = parts.present.size() == 2 ? 1 : parts.present.size();
  DML_TRY(parts.weights, TakeTensor(file, "weights", rows * parts.features));
  DML_TRY(parts.intercepts, TakeTensor(file, "intercepts", rows));
  return std::unique_ptr<Predictor>(std::make_unique<LogisticPredictor>(std::move(parts)));
}

}  // namespace dml::learn
