#include "plugins/learn/cluster/parallel_init.h"

#include <cmath>
#include <limits>

#include "base/random.h"
#include "plugins/learn/cluster/row_distances.h"
#include "plugins/learn/cluster/top_rows.h"
#include "plugins/learn/fit_loop.h"

namespace dml::learn {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double DrawWeight(const Tile& tile, std::size_t r) {
  return tile.weight.empty() ? 1.0 : tile.weight[r];
}

// The key of a weighted draw without replacement: the rows with the largest keys are drawn
// (Efraimidis and Spirakis, 2006).
double Key(double uniform, double mass) {
  return mass > 0.0 && std::isfinite(mass) ? std::log1p(-uniform) / mass : kNever;
}

// Draws `count` rows by their distance from `found`, or by their weight while there is none.
Result<TopRows> Draw(const DataSource& source, const Points& found, std::size_t count,
                     const Philox& random, int round, const Execution& execution) {
  const auto local = [&](const Tile& tile, TopRows& out) -> Result<void> {
    std::vector<int> labels;
    std::vector<double> lowest;
    std::vector<double> norms(tile.rows);
    if (found.count > 0) {
      AssignToNearest(tile, found, labels, lowest, nullptr);
      RowNorms(tile, *found.shift, norms.data());
    }
    std::vector<double> keys(tile.rows);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      // A difference of two norms: what is left of rounding where a row is a candidate itself is
      // no distance.
      double square = 1.0;
      if (found.count > 0) {
        square = lowest[r] + norms[r];
        if (square <= 1e-12 * norms[r]) square = 0.0;
      }
      keys[r] = Key(random.Uniform(tile.row_id(r), static_cast<std::uint64_t>(round)),
                    DrawWeight(tile, r) * square);
    }
    out.Take(tile, keys, labels, *found.shift, count);
    return {};
  };
  return FoldTiles<TopRows>(source, execution, local);
}

struct Weights {
  std::vector<double> sums;

  void Merge(Weights&& right) {
    if (sums.empty()) {
      *this = std::move(right);
      return;
    }
    for (std::size_t k = 0; k < right.sums.size(); ++k) sums[k] += right.sums[k];
  }
  template <typename A>
  void Fields(A& archive) {
    archive(sums);
  }
};

Result<Weights> Weigh(const DataSource& source, const Points& found, const Execution& execution) {
  const auto local = [&](const Tile& tile, Weights& out) -> Result<void> {
    thread_local std::vector<int> labels;
    thread_local std::vector<double> lowest;
    AssignToNearest(tile, found, labels, lowest, nullptr);
    out.sums.assign(found.count, 0.0);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      out.sums[static_cast<std::size_t>(labels[r])] += DrawWeight(tile, r);
    }
    return {};
  };
  return FoldTiles<Weights>(source, execution, local);
}

}  // namespace

Result<MatrixSource> ParallelCandidates(const DataSource& source, std::size_t clusters,
                                        const std::vector<double>& shift, std::uint64_t seed,
                                        const Execution& execution) {
  const Philox random(seed, "kmeans||");
  const std::size_t p = shift.size();
  Points found{&shift, {}, 0};
  for (int round = 0; round <= kParallelRounds; ++round) {
    DML_TRY(const TopRows drawn,
            Draw(source, found, round == 0 ? 1 : 2 * clusters, random, round, execution));
    found.at.insert(found.at.end(), drawn.x.begin(), drawn.x.end());
    found.count += drawn.score.size();
    if (execution.progress) execution.progress(0.0, "kmeans||");
    if (drawn.score.empty()) break;
  }
  MatrixSource::Dense matrix{.features = p, .x = {}, .y = {}, .weight = {}};
  if (found.count > 0) {
    DML_TRY(Weights weights, Weigh(source, found, execution));
    matrix.weight = std::move(weights.sums);
    matrix.weight.resize(found.count, 0.0);
  }
  matrix.x = std::move(found.at);
  for (std::size_t i = 0; i < matrix.x.size(); ++i) matrix.x[i] += shift[i % p];
  return MatrixSource(matrix);
}

}  // namespace dml::learn
