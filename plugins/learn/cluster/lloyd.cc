#include "plugins/learn/cluster/lloyd.h"

#include <algorithm>

#include "plugins/learn/cluster/row_distances.h"
#include "plugins/learn/fit_loop.h"
#include "plugins/learn/kernels/dense.h"

namespace dml::learn {

namespace {

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

// Exact inertia and weights of the final centres.
struct Outcome {
  double inertia = 0.0;
  std::vector<double> weights;

  void Merge(Outcome&& right) {
    if (weights.empty()) {
      *this = std::move(right);
      return;
    }
    inertia += right.inertia;
    AddTo(weights, right.weights);
  }
  template <typename A>
  void Fields(A& archive) {
    archive(inertia);
    archive(weights);
  }
};

// Rows by falling distance from their centre, ties by row id: the new homes of empty clusters.
struct Farthest {
  std::vector<double> distance;
  std::vector<std::uint64_t> row_id;
  std::vector<double> weight;
  std::vector<int> label;
  std::vector<double> x;  // shifted, features values each
  std::size_t wanted = 0;

  void Keep(std::size_t features) {
    std::vector<std::size_t> order(distance.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      return distance[a] != distance[b] ? distance[a] > distance[b] : row_id[a] < row_id[b];
    });
    order.resize(std::min(order.size(), wanted));
    Farthest kept;
    kept.wanted = wanted;
    for (const std::size_t i : order) {
      kept.distance.push_back(distance[i]);
      kept.row_id.push_back(row_id[i]);
      kept.weight.push_back(weight[i]);
      kept.label.push_back(label[i]);
      const auto row = x.begin() + static_cast<std::ptrdiff_t>(i * features);
      kept.x.insert(kept.x.end(), row, row + static_cast<std::ptrdiff_t>(features));
    }
    *this = std::move(kept);
  }
  void Merge(Farthest&& right) {
    if (right.distance.empty()) return;
    const std::size_t features = right.x.size() / right.distance.size();
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    wanted = right.wanted;
    append(distance, right.distance);
    append(row_id, right.row_id);
    append(weight, right.weight);
    append(label, right.label);
    append(x, right.x);
    Keep(features);
  }
  template <typename A>
  void Fields(A& archive) {
    archive(distance);
    archive(row_id);
    archive(weight);
    archive(label);
    archive(x);
    archive(wanted);
  }
};

// The nearest point of each row, ties to the lower index; `lowest` receives its distance without
// the row's norm.
void Nearest(const Tile& tile, const Points& points, std::vector<int>& labels,
             std::vector<double>& lowest) {
  thread_local std::vector<double> distances;
  distances.resize(tile.rows * points.count);
  labels.resize(tile.rows);
  lowest.resize(tile.rows);
  ShiftedDistances(tile, points, distances.data());
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const double* row = distances.data() + r * points.count;
    std::size_t best = 0;
    for (std::size_t k = 1; k < points.count; ++k) best = row[k] < row[best] ? k : best;
    labels[r] = static_cast<int>(best);
    lowest[r] = row[best];
  }
}

void AddSparseSums(const Tile& tile, const std::vector<int>& labels, std::vector<double>& sums) {
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
    double* to = sums.data() + static_cast<std::size_t>(labels[r]) * tile.features;
    for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
      const auto at = static_cast<std::size_t>(i);
      to[static_cast<std::size_t>(tile.indices[at])] += w * tile.values[at];
    }
  }
}

Result<Assignment> Assign(const DataSource& source, const Points& points,
                          const Execution& execution) {
  const auto local = [&](const Tile& tile, Assignment& out) -> Result<void> {
    thread_local std::vector<int> labels;
    thread_local std::vector<double> lowest;
    Nearest(tile, points, labels, lowest);
    out.sums.assign(points.count * tile.features, 0.0);
    out.weights.assign(points.count, 0.0);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
      out.weights[static_cast<std::size_t>(labels[r])] += w;
      out.objective += w * lowest[r];
    }
    if (tile.sparse()) {
      AddSparseSums(tile, labels, out.sums);
    } else {
      const double* weight = tile.weight.empty() ? nullptr : tile.weight.data();
      SumByLabel({tile.x.data(), tile.rows, tile.features, points.shift->data()}, weight,
                 labels.data(), out.sums.data());
    }
    return {};
  };
  return FoldTiles<Assignment>(source, execution, local);
}

// Gives every empty cluster the farthest row that is left, taking it from its old cluster.
Result<void> Relocate(const DataSource& source, const Points& points, std::size_t empty,
                      Assignment& assignment, const Execution& execution) {
  const std::size_t p = points.shift->size();
  const auto local = [&](const Tile& tile, Farthest& out) -> Result<void> {
    std::vector<int> labels;
    std::vector<double> lowest;
    std::vector<double> norms(tile.rows);
    Nearest(tile, points, labels, lowest);
    RowNorms(tile, *points.shift, norms.data());
    std::vector<std::size_t> order;
    for (std::size_t r = 0; r < tile.rows; ++r) {
      if (tile.weight.empty() || tile.weight[r] > 0.0) order.push_back(r);
    }
    const auto farther = [&](std::size_t a, std::size_t b) {
      const double da = lowest[a] + norms[a];
      const double db = lowest[b] + norms[b];
      return da != db ? da > db : tile.row_id(a) < tile.row_id(b);
    };
    std::ranges::sort(order, farther);
    order.resize(std::min(order.size(), empty));
    out.wanted = empty;
    for (const std::size_t r : order) {
      out.distance.push_back(lowest[r] + norms[r]);
      out.row_id.push_back(tile.row_id(r));
      out.weight.push_back(tile.weight.empty() ? 1.0 : tile.weight[r]);
      out.label.push_back(labels[r]);
      const std::vector<double> x = ShiftedRow(tile, r, *points.shift);
      out.x.insert(out.x.end(), x.begin(), x.end());
    }
    return {};
  };
  DML_TRY(const Farthest far, FoldTiles<Farthest>(source, execution, local));
  std::size_t next = 0;
  for (std::size_t k = 0; k < points.count && next < far.distance.size(); ++k) {
    if (assignment.weights[k] > 0.0) continue;
    const auto old = static_cast<std::size_t>(far.label[next]);
    const double w = far.weight[next];
    // A row that is all its cluster has would only move the hole.
    if (!(far.distance[next] > 0.0) || !(assignment.weights[old] > w)) break;
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
    Nearest(tile, points, labels, lowest);
    out.weights.assign(points.count, 0.0);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
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
                                 std::vector<double> centres, const LloydOptions& options,
                                 const Execution& execution) {
  Points points{&shift, std::move(centres), options.clusters};
  LloydResult out;
  while (out.iterations < options.max_iter && !out.converged) {
    DML_TRY(Assignment assignment, Assign(source, points, execution));
    ++out.iterations;
    out.history.push_back(assignment.objective);
    const auto empty = std::ranges::count(assignment.weights, 0.0);
    if (empty > 0) {
      DML_RETURN_IF_ERROR(
          Relocate(source, points, static_cast<std::size_t>(empty), assignment, execution));
    }
    out.converged = MoveCentres(assignment, shift.size(), points.at) <= options.movement_max;
    if (execution.progress) {
      execution.progress(static_cast<double>(out.iterations) / options.max_iter, "iterations");
    }
  }
  DML_TRY(Outcome outcome, Judge(source, points, execution));
  out.inertia = outcome.inertia;
  out.weights = std::move(outcome.weights);
  out.empty = static_cast<int>(std::ranges::count(out.weights, 0.0));
  out.centres = std::move(points.at);
  return out;
}

}  // namespace dml::learn
