#include "plugins/learn/linear/logistic_solvers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "plugins/learn/linear/lbfgs.h"
#include "plugins/learn/linear/metric.h"
#include "plugins/learn/linear/normal_equations.h"
#include "plugins/learn/row_sample.h"

namespace dml::learn {

namespace {

using Want = LogisticObjective::Want;

constexpr int kHalvingsMax = 30;
// A sample is worth its pass when it is this many times smaller than the data.
constexpr double kSampleSavings = 4.0;
constexpr double kSampleRowsMax = 40'000.0;
constexpr double kRowsPerParameter = 20.0;
// Of one Hessian over the sample.
constexpr double kSampleFlopMax = 1e10;
constexpr int kSampleIterationsMax = 30;
constexpr double kSampleTol = 1e-4;
// Passes over all rows that a sample's coordinates get before the exact Hessian takes over.
constexpr int kSampledIterationsMax = 20;

// What the tolerance may miss where rounding hides every further decrease.
constexpr double kRoundingSlack = 1e3;

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
                        objective.Norm(next.gradient) < objective.Norm(value.gradient);
    if (next.value <= value.value - 1e-4 * t * slope || closer) {
      return std::optional(std::pair(std::move(x), std::move(next)));
    }
  }
  return std::optional<std::pair<std::vector<double>, LogisticValue>>();
}

struct Newton {
  LogisticOptimum optimum;
  std::vector<double> hessian;  // at the optimum
};

// Where Newton's iterations are. The value at a point is computed anew, to the same bits.
struct NewtonState {
  std::vector<double> parameters;  // empty: not begun
  int iterations = 0;
  std::vector<double> history;  // up to the point before
  double condition = 0.0;       // 0: not known yet

  template <typename A>
  void Fields(A& archive) {
    archive(parameters);
    archive(iterations);
    archive(history);
    archive(condition);
  }
};

// How far a fit is, for the next attempt of a task: its first-order iterations, then its exact
// ones. The ranks of a gang would have to agree on it: they begin anew.
class Progress {
 public:
  explicit Progress(const Execution& execution)
      : checkpoint_(execution.communicator == nullptr ? execution.checkpoint : CheckpointPlace{},
                    "logistic 1") {
    if (!LoadState(checkpoint_, *this)) return;
    checkpoint_.Tell(
        fmt::format("goes on at a checkpoint: {} iterations", first.iterations + exact.iterations));
  }
  [[nodiscard]] bool Due() const { return checkpoint_.Due(); }
  void SaveIfDue() {
    if (Due()) SaveState(checkpoint_, *this);
  }
  template <typename A>
  void Fields(A& archive) {
    first.Fields(archive);
    archive(first_margin);
    exact.Fields(archive);
  }

  LbfgsState first;
  double first_margin = 0.0;  // the lowest, at the last evaluation
  NewtonState exact;

 private:
  Checkpoint checkpoint_;
};

Json ConditionJson(double condition) {
  return std::isfinite(condition) ? Json(condition) : Json(nullptr);
}

// `progress` may be null: nothing is kept.
Result<Newton> MinimiseNewton(const LogisticObjective& objective, std::vector<double> start,
                              double tol, int iterations_max, const Execution& execution,
                              Progress* progress) {
  Newton out;
  LogisticOptimum& optimum = out.optimum;
  optimum.parameters = std::move(start);
  Certificate& certificate = optimum.certificate;
  certificate.converged = false;
  NewtonState kept;
  if (progress != nullptr && !progress->exact.parameters.empty()) {
    kept = progress->exact;
    optimum.parameters = kept.parameters;
    certificate.iterations = kept.iterations;
    certificate.objective_history = kept.history;
    if (kept.condition != 0.0) {
      certificate.numbers["condition_estimate"] = ConditionJson(kept.condition);
    }
  }
  DML_TRY(LogisticValue value, objective.Evaluate(optimum.parameters, Want::kHessian));
  while (true) {
    certificate.objective_history.push_back(value.value);
    const double norm = objective.Norm(value.gradient);
    certificate.numbers["gradient_norm"] = norm;
    if (norm <= tol) {
      certificate.converged = true;
      certificate.stopped_because = "gradient below tol";
      break;
    }
    if (certificate.iterations >= iterations_max) {
      certificate.stopped_because = "max_iter reached";
      break;
    }
    if (execution.progress) execution.progress(0.0, "newton");
    const NormalEquations hessian(value.hessian.data(), objective.size(), objective.size(), 0.0);
    const double condition = hessian.condition();
    certificate.numbers["condition_estimate"] = ConditionJson(condition);
    DML_TRY(auto next,
            Descend(objective, optimum.parameters, value, hessian.Solve(value.gradient)));
    if (!next) {
      certificate.stopped_because = "the objective cannot be lowered further in floating point";
      certificate.converged = norm <= kRoundingSlack * tol;
      break;
    }
    optimum.parameters = std::move(next->first);
    value = std::move(next->second);
    ++certificate.iterations;
    if (progress == nullptr) continue;
    progress->exact = {optimum.parameters, certificate.iterations, certificate.objective_history,
                       condition};
    progress->SaveIfDue();
  }
  optimum.lowest_margin = value.lowest_margin;
  out.hessian = std::move(value.hessian);
  return out;
}

Result<LogisticOptimum> MinimiseFirstOrder(const LogisticObjective& objective, const Metric& metric,
                                           const std::vector<double>& start, double tol,
                                           int iterations_max, const Execution& execution,
                                           Progress& progress) {
  double lowest_margin = progress.first_margin;
  const Smooth function = [&](const std::vector<double>& u,
                              std::vector<double>& g) -> Result<double> {
    DML_TRY(const LogisticValue value, objective.Evaluate(metric.FromMetric(u), Want::kGradient));
    g = metric.Gradient(value.gradient);
    lowest_margin = value.lowest_margin;
    if (execution.progress) execution.progress(0.0, "lbfgs");
    return value.value;
  };
  const auto norm = [&](const std::vector<double>& g) {
    return objective.Norm(metric.PlainGradient(g));
  };
  const LbfgsState from = progress.first;
  const auto iterated = [&](const std::function<LbfgsState()>& state, bool over) {
    if (!over && !progress.Due()) return;
    progress.first = state();
    progress.first_margin = lowest_margin;
    progress.SaveIfDue();
  };
  DML_TRY(LbfgsResult found, MinimiseLbfgs(function, metric.ToMetric(start),
                                           {tol, iterations_max, norm, &from, iterated}));
  LogisticOptimum out;
  out.parameters = metric.FromMetric(found.x);
  out.lowest_margin = lowest_margin;
  out.certificate.converged = found.converged;
  out.certificate.stopped_because = found.stopped_because;
  out.certificate.iterations = found.iterations;
  out.certificate.objective_history = std::move(found.history);
  out.certificate.numbers["gradient_norm"] = found.gradient_norm;
  return out;
}

double SampleRowsWanted(const LogisticObjective& objective) {
  const auto size = static_cast<double>(objective.size());
  return std::max(kRowsPerParameter * size,
                  std::min(kSampleRowsMax, kSampleFlopMax / (size * size)));
}

// The same number of rows of every class, as far as it has them.
Result<MatrixSource> DrawSample(const LogisticObjective& objective, const DataSource& source,
                                const Execution& execution) {
  const double each = SampleRowsWanted(objective) / static_cast<double>(objective.present().size());
  SampleRule rule{{}, 0, "logistic sample"};
  for (const double rows : objective.class_rows()) {
    rule.shares.push_back(rows > 0.0 ? std::min(1.0, each / rows) : 1.0);
  }
  return SampleRows(source, rule, execution);
}

// The diagonal that a Hessian has where features vary as in all rows: a feature that is rare may
// not vary in a sample, and its curvature must not be taken for zero.
std::vector<double> LowestDiagonal(const LogisticObjective& objective,
                                   const std::vector<double>& hessian) {
  constexpr double kShare = 0.1;
  const std::vector<double>& deviations = objective.deviations();
  const std::size_t n = deviations.size();
  std::vector<double> squares(n);
  double curvature = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    squares[i] = deviations[i] * deviations[i];
    curvature += hessian[i * n + i] / squares[i] / static_cast<double>(n);
  }
  for (double& s : squares) s *= kShare * curvature;
  return squares;
}

void Prepend(const Certificate& earlier, Certificate& certificate) {
  certificate.iterations += earlier.iterations;
  certificate.objective_history.insert(certificate.objective_history.begin(),
                                       earlier.objective_history.begin(),
                                       earlier.objective_history.end() - 1);
}

Result<LogisticOptimum> MinimiseSampled(const LogisticObjective& objective,
                                        const DataSource& source, const LogisticOptions& options,
                                        const Execution& execution, Progress& progress) {
  DML_TRY(const MatrixSource sample, DrawSample(objective, source, execution));
  Execution local = execution;  // every rank holds the whole sample
  local.communicator = nullptr;
  local.progress = nullptr;  // not of the whole
  DML_TRY(const LogisticObjective sampled, objective.Over(sample, local));
  const std::vector<double> zeros(objective.size(), 0.0);
  DML_TRY(Newton start, MinimiseNewton(sampled, zeros, std::max(kSampleTol, options.tol),
                                       kSampleIterationsMax, local, nullptr));
  if (start.optimum.lowest_margin > 0.0) {
    // The sample can be separated, so its optimum says nothing about that of all rows.
    DML_TRY(start, MinimiseNewton(sampled, zeros, 0.0, 0, local, nullptr));
  }
  const Metric metric(start.hessian, LowestDiagonal(objective, start.hessian));
  DML_TRY(
      LogisticOptimum out,
      MinimiseFirstOrder(objective, metric, start.optimum.parameters, options.tol,
                         std::min(options.max_iter, kSampledIterationsMax), execution, progress));
  out.certificate.numbers["solver"] = "lbfgs";
  if (!out.certificate.converged && out.certificate.iterations < options.max_iter) {
    DML_TRY(Newton exact,
            MinimiseNewton(objective, out.parameters, options.tol,
                           options.max_iter - out.certificate.iterations, execution, &progress));
    Prepend(out.certificate, exact.optimum.certificate);
    out = std::move(exact.optimum);
    out.certificate.numbers["solver"] = "newton-cholesky";
  }
  if (!out.certificate.numbers.contains("condition_estimate")) {
    const Json& known = start.optimum.certificate.numbers;
    if (known.contains("condition_estimate")) {
      out.certificate.numbers["condition_estimate"] = known.at("condition_estimate");
    }
  }
  out.certificate.numbers["started_on_rows"] = sample.rows();
  return out;
}

}  // namespace

Result<LogisticOptimum> MinimiseLogistic(const LogisticObjective& objective,
                                         const DataSource& source, const LogisticOptions& options,
                                         const Execution& execution) {
  const std::vector<double> zeros(objective.size(), 0.0);
  Progress progress(execution);
  if (source.sparse() || objective.size() > kNewtonSizeMax) {
    const Metric metric(objective.deviations());
    DML_TRY(LogisticOptimum out, MinimiseFirstOrder(objective, metric, zeros, options.tol,
                                                    options.max_iter, execution, progress));
    out.certificate.numbers["solver"] = "lbfgs";
    return out;
  }
  if (static_cast<double>(source.rows()) > kSampleSavings * SampleRowsWanted(objective)) {
    return MinimiseSampled(objective, source, options, execution, progress);
  }
  DML_TRY(Newton found,
          MinimiseNewton(objective, zeros, options.tol, options.max_iter, execution, &progress));
  found.optimum.certificate.numbers["solver"] = "newton-cholesky";
  return std::move(found.optimum);
}

}  // namespace dml::learn
