#include "plugins/learn/linear/least_squares.h"

#include <fmt/format.h>

#include <cmath>

#include "plugins/learn/fit_loop.h"
#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/tile_product.h"
#include "plugins/learn/linear/normal_equations.h"
#include "plugins/learn/linear/row_system.h"
#include "plugins/learn/tensors.h"
#include "plugins/learn/wide_rows.h"

namespace dml::learn {

namespace {

constexpr std::size_t kGramFeaturesMax = 20000;  // a Gram matrix of 3.2 GB
// Above this condition of the Gram matrix its rounding errors may reach the tenth digit.
constexpr double kRefineCondition = 1e5;
constexpr int kRefinementsMax = 4;

struct Problem {
  std::string kind;
  double alpha = 0.0;
  bool fit_intercept = true;
};

// Gradient of the residuals at a trial solution: X~'S r, with X~ = X - mean.
struct ResidualStats {
  std::vector<double> gradient;  // p
  double sum = 0.0;              // sum of s_i r_i
  double squares = 0.0;          // sum of s_i r_i^2

  void Merge(ResidualStats&& right) {
    if (gradient.empty()) {
      *this = std::move(right);
      return;
    }
    for (std::size_t j = 0; j < right.gradient.size(); ++j) gradient[j] += right.gradient[j];
    sum += right.sum;
    squares += right.squares;
  }
  template <typename A>
  void Fields(A& archive) {
    archive(gradient);
    archive(sum);
    archive(squares);
  }
};

// The residuals of y = (x - shift)'w + bias over all rows.
Result<ResidualStats> Residuals(const DataSource& source, const Execution& execution,
                                const std::vector<double>& shift, const std::vector<double>& w,
                                double bias) {
  return FoldTiles<ResidualStats>(
      source, execution, [&](const Tile& tile, ResidualStats& out) -> Result<void> {
        thread_local std::vector<double> scratch;
        thread_local std::vector<double> residual;
        const RowBlock block{DenseRows(tile, scratch), tile.rows, tile.features, shift.data()};
        residual.resize(tile.rows);
        AffineRows(block, w.data(), &bias, 1, residual.data());
        for (std::size_t r = 0; r < tile.rows; ++r) {
          const double s = tile.weight.empty() ? 1.0 : tile.weight[r];
          const double e = tile.y[r] - residual[r];
          out.sum += s * e;
          out.squares += s * (e * e);
          residual[r] = s * e;
        }
        out.gradient.assign(tile.features, 0.0);
        TransposedProduct(block, residual.data(), 1, out.gradient.data());
        return {};
      });
}

Result<void> CheckProblem(const DataSource& source, const Problem& problem) {
  if (!(problem.alpha >= 0.0) || !std::isfinite(problem.alpha)) {
    return Error::Invalid(fmt::format("alpha is {}, but must be 0 or more", problem.alpha));
  }
  const std::size_t p = source.feature_names().size();
  if (p == 0) return Error::Invalid("there are no features to train on");
  if (p > kGramFeaturesMax && !IsWide(source.rows(), p)) {
    return Error::Invalid(
        fmt::format("{} features are too many for the normal equations (at most {})", p,
                    kGramFeaturesMax),
        "hash into fewer features");
  }
  return {};
}

void Warn(Certificate& certificate, double y_squares, std::size_t rank, std::size_t features) {
  if (y_squares == 0.0) {
    certificate.warnings.emplace_back("The target is constant: every weight is 0.");
  }
  if (rank < features) {
    certificate.warnings.push_back(fmt::format(
        "The features are linearly dependent (rank {} of {}): the solution of minimum norm was "
        "taken, and single weights mean little.",
        rank, features));
  }
}

// Without an intercept the moments are about zero: G + W m m'.
void Uncentre(Moments& moments) {
  const std::size_t q = moments.mean.size();
  for (std::size_t i = 0; i < q; ++i) {
    for (std::size_t j = i; j < q; ++j) {
      moments.gram[i * q + j] += moments.weight * (moments.mean[i] * moments.mean[j]);
    }
  }
  std::ranges::fill(moments.mean, 0.0);
}

double Norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double value : v) sum += value * value;
  return std::sqrt(sum);
}

struct Solution {
  std::vector<double> w;
  double bias = 0.0;  // for rows shifted by the mean
  double squares = 0.0;
  int refinements = 0;
};

// A solution with what the certificate says of its system.
struct Answer {
  Solution solution;
  std::vector<double> mean;  // that rows were shifted by
  double y_squares = 0.0;
  std::size_t rank = 0;
  double condition = 0.0;
};

Error NoRows() {
  return Error::Invalid("there are no rows to train on",
                        "check the filters and the split before this step");
}

// Solves on the Gram matrix, then adds the solution for what the true residuals still say.
Result<Solution> Solve(const DataSource& source, const Problem& problem, const Moments& moments,
                       const NormalEquations& equations, const Execution& execution) {
  const std::size_t q = moments.mean.size();
  const std::size_t p = q - 1;
  std::vector<double> right(p);
  for (std::size_t j = 0; j < p; ++j) right[j] = moments.gram[j * q + p];
  Solution out{equations.Solve(right), moments.mean[p], 0.0, 0};
  out.squares = moments.gram.back();
  // The solution has X~'r = alpha w.
  for (std::size_t j = 0; j < p; ++j) {
    out.squares -= out.w[j] * (right[j] + problem.alpha * out.w[j]);
  }
  if (equations.condition() < kRefineCondition) return out;
  const std::vector<double> shift(moments.mean.begin(), moments.mean.end() - 1);
  for (; out.refinements < kRefinementsMax; ++out.refinements) {
    DML_TRY(const ResidualStats rest, Residuals(source, execution, shift, out.w, out.bias));
    out.squares = rest.squares;
    for (std::size_t j = 0; j < p; ++j) right[j] = rest.gradient[j] - problem.alpha * out.w[j];
    const std::vector<double> step = equations.Solve(right);
    if (!(Norm(step) > 1e-13 * Norm(out.w))) break;
    for (std::size_t j = 0; j < p; ++j) out.w[j] += step[j];
    if (problem.fit_intercept) out.bias += rest.sum / moments.weight;
  }
  return out;
}

Result<Answer> SolveByFeatures(const DataSource& source, const Problem& problem,
                               const Execution& execution) {
  DML_TRY(Moments moments, FitMoments(source, MomentsOf::kFeaturesAndTarget, execution));
  if (moments.mean.empty()) return NoRows();
  const std::size_t p = moments.mean.size() - 1;
  if (!problem.fit_intercept) Uncentre(moments);
  const NormalEquations equations(moments.gram.data(), p, p + 1, problem.alpha);
  DML_TRY(Solution solution, Solve(source, problem, moments, equations, execution));
  moments.mean.pop_back();
  return Answer{std::move(solution), std::move(moments.mean), moments.gram.back(), equations.rank(),
                equations.condition()};
}

// Adds the solution for what the true residuals still say.
Solution SolveWide(const WideRows& wide, const RowSystem& system, double alpha) {
  std::vector<double> a = system.Solve(wide.target);
  Solution out{ToFeatures(wide, a.data()), wide.target_mean, 0.0, 0};
  while (true) {
    std::vector<double> rest = ToRows(wide, out.w);
    out.squares = 0.0;
    for (std::size_t i = 0; i < wide.rows; ++i) {
      const double residual = wide.target[i] - rest[i];
      out.squares += residual * residual;
      rest[i] = residual - alpha * a[i];
    }
    if (out.refinements == kRefinementsMax) return out;
    const std::vector<double> step = system.Solve(rest);
    const std::vector<double> w_step = ToFeatures(wide, step.data());
    if (!(Norm(w_step) > 1e-13 * Norm(out.w))) return out;
    for (std::size_t i = 0; i < wide.rows; ++i) a[i] += step[i];
    for (std::size_t j = 0; j < wide.features; ++j) out.w[j] += w_step[j];
    ++out.refinements;
  }
}

Result<Answer> SolveByRows(const DataSource& source, const Problem& problem,
                           const Execution& execution) {
  DML_TRY(WideRows wide, GatherWide(source, true, problem.fit_intercept, execution));
  if (wide.rows == 0) return NoRows();
  DML_TRY(const std::vector<double> gram, RowGram(wide, execution));
  const RowSystem system(gram, wide.rows, problem.alpha);
  const std::size_t rank = problem.alpha > 0.0 ? wide.features : system.rank();
  double y_squares = 0.0;
  for (const double t : wide.target) y_squares += t * t;
  Solution solution = SolveWide(wide, system, problem.alpha);
  return Answer{std::move(solution), std::move(wide.mean), y_squares, rank, system.condition()};
}

Result<FitResult> Fit(const DataSource& source, const Problem& problem,
                      const Execution& execution) {
  DML_RETURN_IF_ERROR(CheckProblem(source, problem));
  const std::size_t p = source.feature_names().size();
  DML_TRY(Answer answer, IsWide(source.rows(), p) ? SolveByRows(source, problem, execution)
                                                  : SolveByFeatures(source, problem, execution));
  Solution& solution = answer.solution;
  FitResult result;
  Certificate& certificate = result.certificate;
  Warn(certificate, answer.y_squares, answer.rank, p);
  double intercept = solution.bias;
  for (std::size_t j = 0; j < p; ++j) intercept -= answer.mean[j] * solution.w[j];
  if (!problem.fit_intercept) intercept = 0.0;
  double penalty = 0.0;
  for (const double w : solution.w) penalty += w * w;
  const double objective = std::max(0.0, solution.squares) + problem.alpha * penalty;
  certificate.stopped_because = "solved directly";
  certificate.iterations = 1 + solution.refinements;
  certificate.objective_history = {objective};
  certificate.numbers = {{"rank", answer.rank}, {"refinements", solution.refinements}};
  certificate.numbers["condition_estimate"] =
      std::isfinite(answer.condition) ? Json(std::sqrt(answer.condition)) : Json(nullptr);
  result.predictor =
      std::make_unique<LinearPredictor>(problem.kind, std::move(solution.w), intercept);
  return result;
}

}  // namespace

Result<FitResult> FitLinearRegression(const DataSource& source, const LinearOptions& options,
                                      const Execution& execution) {
  return Fit(source, {"linear_regression", 0.0, options.fit_intercept}, execution);
}

Result<FitResult> FitRidge(const DataSource& source, const RidgeOptions& options,
                           const Execution& execution) {
  return Fit(source, {"ridge", options.alpha, options.fit_intercept}, execution);
}

void LinearPredictor::Predict(const Tile& tile, std::span<double> out) const {
  const std::vector<double> zeros(weights_.size(), 0.0);
  TileAffine(tile, zeros.data(), weights_.data(), &intercept_, 1, out.data());
}

void LinearPredictor::Save(Json& header, std::vector<OwnedTensor>& tensors) const {
  header["features"] = weights_.size();
  header["intercept"] = intercept_;
  tensors.push_back(MakeTensor("weights", {static_cast<std::int64_t>(weights_.size())}, weights_));
}

Result<std::unique_ptr<Predictor>> LoadLinear(std::string_view kind, const Json& header,
                                              const TensorFile& file) {
  DML_TRY(std::vector<double> weights,
          TakeTensor(file, "weights", header.at("features").get<std::size_t>()));
  return std::unique_ptr<Predictor>(std::make_unique<LinearPredictor>(
      std::string(kind), std::move(weights), header.at("intercept").get<double>()));
}

}  // namespace dml::learn
