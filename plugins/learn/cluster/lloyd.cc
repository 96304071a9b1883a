#include "plugins/learn/cluster/lloyd.h"

#include <algorithm>
#include <limits>
#include <span>

#include "plugins/learn/cluster/row_distances.h"
#include "plugins/learn/cluster/top_rows.h"
#include "plugins/learn/fit_loop.h"

namespace dml::learn {

namespace {

constexpr double kSamePlace = 1e-20;  // squared distance over squared size

void AddTo(std::vector<double>& a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < b.size(); ++i) a[i] += b[i];
}

// One assignment: per cluster the sum of its rows and their weight; the objective up to the rows'
// own norms.
struct Assignment {
  std::vector<double> sums;
  std::vector<double> weights;
  double objective = 0.0;

  void Merge(Assignment&& right) {
    if (sums.empty()) {
      *this = std::move(right);
      return;
    }
    AddTo(sums, right.sums);
    AddTo(weights, right.weights);
    objective += right.objective;
  }
  template <typename A>
  void Fields(A& archive) {
    archive(sums);
    archive(weights);
    archive(objective);
  }
};

// Exact inertia and weights of the final centres, and the norms that Assignment leaves out.
struct Outcome {
  double inertia = 0.0;
  double norms = 0.0;  // sum of w ||x - shift||^2
  std::vector<double> weights;

  void Merge(Outcome&& right) {
    if (weights.empty()) {
      *this = std::move(right);
      return;
    }
    inertia += right.inertia;
    norms += right.norms;
    AddTo(weights, right.weights);
  }
  template <typename A>
  void Fields(A& archive) {
    archive(inertia);
    archive(norms);
    archive(weights);
  }
};

Result<Assignment> Assign(const DataSource& source, const Points& points,
                          const Execution& execution) {
  const auto local = [&](const Tile& tile, Assignment& out) -> Result<void> {
    thread_local std::vector<int> labels;
    thread_local std::vector<double> lowest;
    out.sums.assign(points.count * tile.features, 0.0);
    AssignToNearest(tile, points, labels, lowest, out.sums.data());
    out.weights.assign(points.count, 0.0);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
      out.weights[static_cast<std::size_t>(labels[r])] += w;
      out.objective += w * lowest[r];
    }
    return {};
  };
  return FoldTiles<Assignment>(source, execution, local);
}

// Whether a row lies on a centre, but for the rounding of the mean that the centre is.
bool IsOn(std::span<const double> row, const double* centre) {
  double distance = 0.0;
  double size = 0.0;
  for (std::size_t j = 0; j < row.size(); ++j) {
    distance += (row[j] - centre[j]) * (row[j] - centre[j]);
    size += row[j] * row[j] + centre[j] * centre[j];
  }
  return distance <= kSamePlace * size;
}

// Gives every empty cluster the farthest row that is left, taking it from its old cluster.
Result<void> Relocate(const DataSource& source, const Points& points, std::size_t empty,
                      Assignment& assignment, const Execution& execution) {
  const std::size_t p = points.shift->size();
  const auto local = [&](const Tile& tile, TopRows& out) -> Result<void> {
    std::vector<int> labels;
    std::vector<double> lowest;
    std::vector<double> distances(tile.rows);
    AssignToNearest(tile, points, labels, lowest, nullptr);
    RowNorms(tile, *points.shift, distances.data());
    for (std::size_t r = 0; r < tile.rows; ++r) {
      distances[r] += lowest[r];
      if (!tile.weight.empty() && !(tile.weight[r] > 0.0)) {
        distances[r] = -std::numeric_limits<double>::infinity();
      }
    }
    out.Take(tile, distances, labels, *points.shift, empty);
    return {};
  };
  DML_TRY(const TopRows far, FoldTiles<TopRows>(source, execution, local));
  std::size_t next = 0;
  for (std::size_t k = 0; k < points.count && next < far.score.size(); ++k) {
    if (assignment.weights[k] > 0.0) continue;
    const auto old = static_cast<std::size_t>(far.label[next]);
    const double w = far.weight[next];
    // A row that is all its cluster has would only move the hole, and one that lies on its centre
    // would come back to it: there are fewer different rows than clusters.
    const auto row = std::span(far.x).subspan(next * p, p);
    if (!(far.score[next] > 0.0) || !(assignment.weights[old] > w)) break;
    if (IsOn(row, points.at.data() + old * p)) break;
    for (std::size_t j = 0; j < p; ++j) {
      const double part = w * far.x[next * p + j];
      assignment.sums[old * p + j] -= part;
      assignment.sums[k * p + j] = part;
    }
    assignment.weights[old] -= w;
    assignment.weights[k] = w;
    ++next;
  }
  return {};
}

Result<Outcome> Judge(const DataSource& source, const Points& points, const Execution& execution) {
  const std::size_t p = points.shift->size();
  std::vector<double> plain = points.at;
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] += (*points.shift)[i % p];
  const auto local = [&](const Tile& tile, Outcome& out) -> Result<void> {
    thread_local std::vector<int> labels;
    thread_local std::vector<double> lowest;
    thread_local std::vector<double> norms;
    AssignToNearest(tile, points, labels, lowest, nullptr);
    norms.resize(tile.rows);
    RowNorms(tile, *points.shift, norms.data());
    out.weights.assign(points.count, 0.0);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
      out.norms += w * norms[r];
      const auto k = static_cast<std::size_t>(labels[r]);
      out.weights[k] += w;
      out.inertia += w * ExactDistance(tile, r, plain.data() + k * p);
    }
    return {};
  };
  return FoldTiles<Outcome>(source, execution, local);
}

// Moves the centres to the means of their rows; returns the summed squared movement.
double MoveCentres(const Assignment& assignment, std::size_t features, std::vector<double>& at) {
  double movement = 0.0;
  for (std::size_t k = 0; k < assignment.weights.size(); ++k) {
    if (!(assignment.weights[k] > 0.0)) continue;  // stays where it is, and is reported
    for (std::size_t j = 0; j < features; ++j) {
      const double next = assignment.sums[k * features + j] / assignment.weights[k];
      const double step = next - at[k * features + j];
      movement += step * step;
      at[k * features + j] = next;
    }
  }
  return movement;
}

}  // namespace

Result<LloydResult> IterateLloyd(const DataSource& source, const std::vector<double>& shift,
                                 LloydState state, const LloydOptions& options,
                                 const Execution& execution,
                                 const std::function<void(const LloydState&)>& iterated) {
  Points points{&shift, std::move(state.centres), options.clusters};
  while (state.iterations < options.max_iter && !state.converged) {
    DML_TRY(Assignment assignment, Assign(source, points, execution));
    ++state.iterations;
    state.history.push_back(assignment.objective);
    const auto empty = std::ranges::count(assignment.weights, 0.0);
    if (empty > 0) {
      DML_RETURN_IF_ERROR(
          Relocate(source, points, static_cast<std::size_t>(empty), assignment, execution));
    }
    state.converged = MoveCentres(assignment, shift.size(), points.at) <= options.movement_max;
    if (execution.progress) {
      execution.progress(static_cast<double>(state.iterations) / options.max_iter, "iterations");
    }
    if (iterated) {
      state.centres.swap(points.at);
      iterated(state);
      state.centres.swap(points.at);
    }
  }
  DML_TRY(Outcome outcome, Judge(source, points, execution));
  LloydResult out;
  out.inertia = outcome.inertia;
  out.weights = std::move(outcome.weights);
  out.iterations = state.iterations;
  out.converged = state.converged;
  out.empty = static_cast<int>(std::ranges::count(out.weights, 0.0));
  out.history = std::move(state.history);
  // No assignment is better than the last; the norms' rounding must not say so.
  for (double& seen : out.history) seen = std::max(seen + outcome.norms, outcome.inertia);
  out.history.push_back(outcome.inertia);
  out.centres = std::move(points.at);
  return out;
}

}  // namespace dml::learn
