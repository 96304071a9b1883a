#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"

namespace dml::learn {

// Rows that are far fewer than their features, held in memory: what is p x p over features is as
// well solved n x n over rows (the "dual"). With S the weights and m the means,
// Z = S^1/2 (X - 1 m'), n x p, so that Z'Z is the centred Gram matrix.
struct WideRows {
  std::size_t rows = 0;  // those with a weight
  std::size_t features = 0;
  std::uint64_t rows_seen = 0;
  double weight = 0.0;
  std::vector<double> mean;         // features; zeros if not centred
  std::vector<double> by_feature;   // features x rows: Z transposed
  std::vector<double> target;       // S^1/2 (y - mean y); empty without a target
  std::vector<double> root_weight;  // rows
  double target_mean = 0.0;         // 0 if not centred
};

// Whether to solve over rows: a rule of the shapes alone, so that the bits of a model do not depend
// on the machine. Memory is then at most three copies of the matrix, 2.4 GB.
[[nodiscard]] bool IsWide(std::uint64_t rows, std::size_t features);

// Two passes. The same on every rank and for every number of threads. No rows with a weight: `rows`
// is 0. kInvalid for squares beyond the range of doubles, and for a missing target.
Result<WideRows> GatherWide(const DataSource& source, bool with_target, bool centred,
                            const Execution& execution);

// Z Z', rows x rows, upper triangle; features are summed in tiles along a fixed tree.
Result<std::vector<double>> RowGram(const WideRows& wide, const Execution& execution);
// Z'a: a value per feature.
[[nodiscard]] std::vector<double> ToFeatures(const WideRows& wide, const double* a);
// Z w: a value per row.
[[nodiscard]] std::vector<double> ToRows(const WideRows& wide, const std::vector<double>& w);

}  // namespace dml::learn
