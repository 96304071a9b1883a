#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"

namespace dml::learn {

// Count, weight, means and the centred, weighted Gram matrix of some rows. Merged by the pairwise
// formula of Chan, Golub and LeVeque ("Updating formulae and a pairwise algorithm for computing
// sample variances", 1979), so nothing like E[x^2] - E[x]^2 cancels.
struct Moments {
  std::uint64_t rows = 0;
  double weight = 0.0;
  std::vector<double> mean;  // q
  std::vector<double> gram;  // q x q, upper triangle; q alone when only variances are wanted

  void Merge(Moments&& right);
  template <typename A>
  void Fields(A& archive) {
    archive(rows);
    archive(weight);
    archive(mean);
    archive(gram);
  }
};

enum class MomentsOf { kFeatures, kFeaturesAndTarget };

// One pass for means and the whole Gram matrix; with the target, it is the last row and column.
// Both functions: kInvalid, with the column's name, for squares beyond the range of doubles.
// Sparse tiles are made dense one at a time: meant for up to a few thousand features.
Result<Moments> FitMoments(const DataSource& source, MomentsOf what, const Execution& execution);

// One pass for means and the weighted sums of squared deviations (`gram` holds q values).
Result<Moments> FitVariances(const DataSource& source, const Execution& execution);

// The tile as a dense row-major matrix: its own array, or `scratch` filled from its sparse rows.
const double* DenseRows(const Tile& tile, std::vector<double>& scratch);

// Null when the tile has no weights.
inline const double* WeightsOf(const Tile& tile) {
  return tile.weight.empty() ? nullptr : tile.weight.data();
}

[[nodiscard]] double TotalWeight(const Tile& tile);

}  // namespace dml::learn
