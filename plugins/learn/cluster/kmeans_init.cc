#include "plugins/learn/cluster/kmeans_init.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "plugins/learn/cluster/row_distances.h"
#include "plugins/learn/fit_loop.h"

namespace dml::learn {

namespace {

// The rows of all tiles as one sequence, with what k-means++ knows of each.
class Candidates {
 public:
  Candidates(const MatrixSource& rows, const std::vector<double>& shift, const Execution& execution)
      : shift_(shift), execution_(execution) {
    begin_.push_back(0);
    Tile unused;
    for (std::size_t t = 0; t < rows.tile_count(); ++t) {
      tiles_.push_back(rows.View(t, unused).value());
      begin_.push_back(begin_.back() + tiles_.back()->rows);
    }
    norms_.resize(begin_.back());
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
      RowNorms(*tiles_[t], shift_, norms_.data() + begin_[t]);
    }
  }

  [[nodiscard]] std::size_t count() const { return norms_.size(); }
  [[nodiscard]] double weight(std::size_t row) const {
    const auto [tile, r] = Find(row);
    return tile->weight.empty() ? 1.0 : tile->weight[r];
  }
  [[nodiscard]] std::vector<double> At(std::size_t row) const {
    const auto [tile, r] = Find(row);
    return ShiftedRow(*tile, r, shift_);
  }

  // Squared distances of every row to some points, count() x points, never negative.
  Result<std::vector<double>> Distances(const Points& points) const {
    std::vector<double> out(count() * points.count);
    Execution alone = execution_;
    alone.communicator = nullptr;
    const auto work = [&](std::size_t t) -> Result<void> {
      double* from = out.data() + begin_[t] * points.count;
      ShiftedDistances(*tiles_[t], points, from);
      for (std::size_t r = 0; r < tiles_[t]->rows; ++r) {
        for (std::size_t k = 0; k < points.count; ++k) {
          double& d = from[r * points.count + k];
          d = std::max(0.0, d + norms_[begin_[t] + r]);
        }
      }
      return {};
    };
    DML_RETURN_IF_ERROR(ForEachTile(0, tiles_.size(), alone, work));
    return out;
  }

 private:
  [[nodiscard]] std::pair<const Tile*, std::size_t> Find(std::size_t row) const {
    const auto next = std::ranges::upper_bound(begin_, row);
    const auto t = static_cast<std::size_t>(next - begin_.begin()) - 1;
    return {tiles_[t], row - begin_[t]};
  }

  const std::vector<double>& shift_;
  const Execution& execution_;
  std::vector<const Tile*> tiles_;
  std::vector<std::size_t> begin_;  // first row of each tile, and the total
  std::vector<double> norms_;
};

// The row at which the running sum of `mass` passes share x total.
std::size_t Draw(const std::vector<double>& mass, double total, double share) {
  double sum = 0.0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < mass.size(); ++i) {
    if (mass[i] <= 0.0) continue;
    last = i;
    sum += mass[i];
    if (sum > share * total) return i;
  }
  return last;
}

double Sum(const std::vector<double>& v) {
  double total = 0.0;
  for (const double value : v) total += value;
  return total;
}

}  // namespace

Result<std::vector<double>> PlusPlusCentres(const MatrixSource& rows, std::size_t clusters,
                                            const std::vector<double>& shift, std::uint64_t seed,
                                            std::uint64_t start, std::vector<double> kept,
                                            const Execution& execution) {
  const Candidates candidates(rows, shift, execution);
  const Philox random(seed, "kmeans++");
  const std::size_t n = candidates.count();
  const auto trials = 2 + static_cast<std::size_t>(std::log(static_cast<double>(clusters)));
  std::vector<double> weight(n);
  for (std::size_t i = 0; i < n; ++i) weight[i] = candidates.weight(i);
  std::vector<double> nearest(n, std::numeric_limits<double>::infinity());
  std::vector<double> mass = weight;
  const std::size_t first = kept.size() / shift.size();
  std::vector<double> centres = std::move(kept);
  if (first > 0) {
    DML_TRY(const std::vector<double> distances, candidates.Distances({&shift, centres, first}));
    for (std::size_t i = 0; i < n * first; ++i) {
      nearest[i / first] = std::min(nearest[i / first], distances[i]);
    }
    for (std::size_t i = 0; i < n; ++i) mass[i] = weight[i] * nearest[i];
    if (Sum(mass) <= 0.0) mass = weight;
  }
  for (std::size_t k = first; k < clusters; ++k) {
    Points points{&shift, {}, k == 0 ? 1 : trials};
    const double total = Sum(mass);
    for (std::size_t trial = 0; trial < points.count; ++trial) {
      const double share = random.Uniform(k * trials + trial, start);
      const std::vector<double> at = candidates.At(Draw(mass, total, share));
      points.at.insert(points.at.end(), at.begin(), at.end());
    }
    DML_TRY(const std::vector<double> distances, candidates.Distances(points));
    std::size_t best = 0;
    double lowest = std::numeric_limits<double>::infinity();
    for (std::size_t trial = 0; trial < points.count; ++trial) {
      double potential = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        potential += weight[i] * std::min(nearest[i], distances[i * points.count + trial]);
      }
      if (potential < lowest) {
        lowest = potential;
        best = trial;
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      nearest[i] = std::min(nearest[i], distances[i * points.count + best]);
      mass[i] = weight[i] * nearest[i];
    }
    // Fewer distinct rows than clusters: any row will do for the rest.
    if (Sum(mass) <= 0.0) mass = weight;
    const auto p = static_cast<std::ptrdiff_t>(shift.size());
    const auto from = points.at.begin() + static_cast<std::ptrdiff_t>(best) * p;
    centres.insert(centres.end(), from, from + p);
  }
  return centres;
}

Result<std::vector<double>> RandomCentres(const MatrixSource& rows, std::size_t clusters,
                                          const std::vector<double>& shift, std::uint64_t seed,
                                          std::uint64_t start, const Execution& execution) {
  const Candidates candidates(rows, shift, execution);
  const Philox random(seed, "kmeans random");
  std::vector<double> mass(candidates.count());
  for (std::size_t i = 0; i < mass.size(); ++i) mass[i] = candidates.weight(i);
  std::vector<double> centres;
  for (std::size_t k = 0; k < clusters; ++k) {
    if (execution.stop.stop_requested()) return Error::Cancelled("stopped");
    const std::size_t row = Draw(mass, Sum(mass), random.Uniform(k, start));
    const std::vector<double> at = candidates.At(row);
    centres.insert(centres.end(), at.begin(), at.end());
    mass[row] = 0.0;
  }
  return centres;
}

}  // namespace dml::learn
