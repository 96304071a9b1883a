#include "plugins/learn/linear/logistic_regression.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "plugins/learn/kernels/logistic.h"
#include "plugins/learn/kernels/tile_product.h"
#include "plugins/learn/linear/lbfgs.h"
#include "plugins/learn/linear/logistic_objective.h"
#include "plugins/learn/linear/normal_equations.h"
#include "plugins/learn/tensors.h"

namespace dml::learn {

namespace {

constexpr int kHalvingsMax = 30;
using Want = LogisticObjective::Want;

struct Optimum {
  std::vector<double> parameters;
  Certificate certificate;
  double lowest_margin = 0.0;
};

double LargestEntry(const std::vector<double>& v) {
  double largest = 0.0;
  for (const double value : v) largest = std::max(largest, std::abs(value));
  return largest;
}

// The first point from which enough decrease is seen along -step, halving; nothing when rounding
// hides every decrease. Evaluates the Hessian too: the full step is nearly always taken.
Result<std::optional<std::pair<std::vector<double>, LogisticValue>>> Descend(
    const LogisticObjective& objective, const std::vector<double>& from, const LogisticValue& value,
    const std::vector<double>& step) {
  double slope = 0.0;
  for (std::size_t i = 0; i < step.size(); ++i) slope += value.gradient[i] * step[i];
  double t = 1.0;
  for (int i = 0; i < kHalvingsMax; ++i, t *= 0.5) {
    std::vector<double> x = from;
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= t * step[j];
    if (x == from) break;
    DML_TRY(LogisticValue next, objective.Evaluate(x, Want::kHessian));
    // Close to the optimum the decrease drowns in rounding, while the gradient still shrinks.
    const bool closer = next.value <= value.value * (1.0 + 1e-13) &&
                        LargestEntry(next.gradient) < LargestEntry(value.gradient);
    if (next.value <= value.value - 1e-4 * t * slope || closer) {
      return std::optional(std::pair(std::move(x), std::move(next)));
    }
  }
  return std::optional<std::pair<std::vector<double>, LogisticValue>>();
}

Result<Optimum> MinimiseNewton(const LogisticObjective& objective, const LogisticOptions& options,
                               const Execution& execution) {
  Optimum out;
  out.parameters.assign(objective.size(), 0.0);
  Certificate& certificate = out.certificate;
  certificate.converged = false;
  DML_TRY(LogisticValue value, objective.Evaluate(out.parameters, Want::kHessian));
  while (true) {
    certificate.objective_history.push_back(value.value);
    const double norm = LargestEntry(value.gradient);
    certificate.numbers["gradient_norm"] = norm;
    if (norm <= options.tol) {
      certificate.converged = true;
      certificate.stopped_because = "gradient below tol";
      break;
    }
    if (certificate.iterations >= options.max_iter) {
      certificate.stopped_because = "max_iter reached";
      break;
    }
    if (execution.progress) execution.progress(0.0, "newton");
    const NormalEquations hessian(value.hessian.data(), objective.size(), objective.size(), 0.0);
    const double condition = hessian.condition();
    certificate.numbers["condition_estimate"] =
        std::isfinite(condition) ? Json(condition) : Json(nullptr);
    DML_TRY(auto next, Descend(objective, out.parameters, value, hessian.Solve(value.gradient)));
    if (!next) {
      certificate.stopped_because = "the objective cannot be lowered further in floating point";
      certificate.converged = norm <= 1e3 * options.tol;
      break;
    }
    out.parameters = std::move(next->first);
    value = std::move(next->second);
    ++certificate.iterations;
  }
  out.lowest_margin = value.lowest_margin;
  return out;
}

Result<Optimum> MinimiseFirstOrder(const LogisticObjective& objective,
                                   const LogisticOptions& options) {
  const std::vector<double> scale = objective.Scales();
  double lowest_margin = 0.0;
  // In parameters times spread every direction has about the same curvature.
  const auto plain = [&](const std::vector<double>& scaled) {
    std::vector<double> x = scaled;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] /= scale[i];
    return x;
  };
  const Smooth function = [&](const std::vector<double>& x,
                              std::vector<double>& g) -> Result<double> {
    DML_TRY(LogisticValue value, objective.Evaluate(plain(x), Want::kGradient));
    g = std::move(value.gradient);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] /= scale[i];
    lowest_margin = value.lowest_margin;
    return value.value;
  };
  DML_TRY(LbfgsResult found, MinimiseLbfgs(function, std::vector<double>(objective.size(), 0.0),
                                           {options.tol, options.max_iter, scale}));
  Optimum out;
  out.parameters = plain(found.x);
  out.lowest_margin = lowest_margin;
  out.certificate.converged = found.converged;
  out.certificate.stopped_because = found.stopped_because;
  out.certificate.iterations = found.iterations;
  out.certificate.objective_history = std::move(found.history);
  out.certificate.numbers["gradient_norm"] = found.gradient_norm;
  return out;
}

void Warn(const LogisticObjective& objective, const LogisticOptions& options, int classes,
          Optimum& optimum) {
  std::vector<std::string>& warnings = optimum.certificate.warnings;
  if (!optimum.certificate.converged) {
    warnings.push_back(fmt::format(
        "The fit did not converge in {} iterations ({}): raise max_iter, or standardize the "
        "features.",
        optimum.certificate.iterations, optimum.certificate.stopped_because));
  }
  if (optimum.lowest_margin > 0.0 && options.penalty == LogisticOptions::Penalty::kNone) {
    warnings.push_back(
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
  const bool newton = !source.sparse() && objective.size() <= kNewtonSizeMax;
  DML_TRY(Optimum optimum, newton ? MinimiseNewton(objective, options, execution)
                                  : MinimiseFirstOrder(objective, options));
  Warn(objective, options, classes, optimum);
  optimum.certificate.numbers["solver"] = newton ? "newton-cholesky" : "lbfgs";
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
