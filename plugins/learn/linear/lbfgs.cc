#include "plugins/learn/linear/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace dml::learn {

namespace {

constexpr std::size_t kPairsMax = 10;
constexpr int kSearchMax = 40;
constexpr double kDecrease = 1e-4;
constexpr double kCurvature = 0.9;
constexpr double kRounding = 1e-13;

using Vector = std::vector<double>;

double Dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void Add(Vector& to, double factor, const Vector& v) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * v[i];
}

struct Pair {
  Vector step;    // s
  Vector change;  // y, of the gradient
  double rho;     // 1 / s'y
};

// -H g by the two-loop recursion.
Vector Direction(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector d = gradient;
  std::vector<double> alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].rho * Dot(pairs[i].step, d);
    Add(d, -alpha[i], pairs[i].change);
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    const double gamma = 1.0 / (last.rho * Dot(last.change, last.change));
    for (double& v : d) v *= gamma;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Add(d, alpha[i] - pairs[i].rho * Dot(pairs[i].change, d), pairs[i].step);
  }
  for (double& v : d) v = -v;
  return d;
}

struct Point {
  Vector x;
  Vector gradient;
  double value = 0.0;
};

// With sy > 0.
Pair MakePair(Vector step, Vector change, double sy) {
  return {std::move(step), std::move(change), 1.0 / sy};
}

LbfgsState Pack(const Point& at, const std::deque<Pair>& pairs, const LbfgsResult& out) {
  LbfgsState state{at.x, at.gradient, at.value, out.iterations, out.history, {}, {}};
  for (const Pair& pair : pairs) {
    state.steps.insert(state.steps.end(), pair.step.begin(), pair.step.end());
    state.changes.insert(state.changes.end(), pair.change.begin(), pair.change.end());
  }
  return state;
}

std::deque<Pair> UnpackPairs(const LbfgsState& state) {
  std::deque<Pair> pairs;
  const auto n = static_cast<std::ptrdiff_t>(state.x.size());
  auto change = state.changes.begin();
  for (auto step = state.steps.begin(); step != state.steps.end(); step += n, change += n) {
    Vector s(step, step + n);
    Vector y(change, change + n);
    const double sy = Dot(s, y);
    pairs.push_back(MakePair(std::move(s), std::move(y), sy));
  }
  return pairs;
}

// Close to the optimum the decrease drowns in rounding; slopes still tell it (the approximate Wolfe
// condition of Hager and Zhang, 2005).
bool Decreased(double before, double after, double slope, double slope_after, double t) {
  if (after <= before + kDecrease * t * slope) return true;
  return after <= before + kRounding * std::abs(before) &&
         slope_after <= (2.0 * kDecrease - 1.0) * slope;
}

// A point along `d` that satisfies the weak Wolfe conditions; `from` itself when none is found.
Result<Point> Search(const Smooth& function, const Point& from, const Vector& d, double first) {
  const double slope = Dot(from.gradient, d);
  double low = 0.0;
  double high = std::numeric_limits<double>::infinity();
  double t = first;
  Point trial;
  for (int i = 0; i < kSearchMax; ++i) {
    trial.x = from.x;
    Add(trial.x, t, d);
    DML_TRY(trial.value, function(trial.x, trial.gradient));
    const double slope_after = Dot(trial.gradient, d);
    if (!Decreased(from.value, trial.value, slope, slope_after, t)) {
      high = t;
    } else if (slope_after < kCurvature * slope) {
      low = t;
    } else {
      return trial;
    }
    t = std::isinf(high) ? 2.0 * low : 0.5 * (low + high);
  }
  return from;
}

}  // namespace

Result<LbfgsResult> MinimiseLbfgs(const Smooth& function, std::vector<double> start,
                                  const LbfgsOptions& options) {
  Point at{std::move(start), {}, 0.0};
  LbfgsResult out;
  std::deque<Pair> pairs;
  if (options.from != nullptr && !options.from->x.empty()) {
    at = {options.from->x, options.from->gradient, options.from->value};
    out.iterations = options.from->iterations;
    out.history = options.from->history;
    pairs = UnpackPairs(*options.from);
  } else {
    DML_TRY(at.value, function(at.x, at.gradient));
    out.history = {at.value};
  }
  const auto state = [&] { return Pack(at, pairs, out); };
  while (true) {
    out.gradient_norm = options.norm(at.gradient);
    if (out.gradient_norm <= options.tol) {
      out.converged = true;
      out.stopped_because = "gradient below tol";
      break;
    }
    if (out.iterations == options.max_iter) {
      out.stopped_because = "max_iter reached";
      break;
    }
    const Vector d = Direction(pairs, at.gradient);
    const double first =
        pairs.empty() ? 1.0 / std::max(1.0, std::sqrt(Dot(at.gradient, at.gradient))) : 1.0;
    DML_TRY(Point next, Search(function, at, d, first));
    if (next.x == at.x) {
      if (!pairs.empty()) {  // a stale model of the curvature: start again from steepest descent
        pairs.clear();
        continue;
      }
      out.stopped_because = "the objective cannot be lowered further in floating point";
      break;
    }
    Vector step = next.x;
    Vector change = next.gradient;
    Add(step, -1.0, at.x);
    Add(change, -1.0, at.gradient);
    const double sy = Dot(step, change);
    if (sy > 0.0) {
      pairs.push_back(MakePair(std::move(step), std::move(change), sy));
      if (pairs.size() > kPairsMax) pairs.pop_front();
    }
    at = std::move(next);
    ++out.iterations;
    out.history.push_back(at.value);
    if (options.iterated) options.iterated(state, /*over=*/false);
  }
  if (options.iterated) options.iterated(state, /*over=*/true);
  out.x = std::move(at.x);
  return out;
}

}  // namespace dml::learn
