#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/matrix_source.h"

namespace dml::learn {

// `clusters` initial centres (clusters x features, shifted) by greedy k-means++ on the rows of a
// source in memory. The first ones are those `kept` (a multiple of features values, shifted).
// `start` numbers independent starts of one seed.
Result<std::vector<double>> PlusPlusCentres(const MatrixSource& rows, std::size_t clusters,
                                            const std::vector<double>& shift, std::uint64_t seed,
                                            std::uint64_t start, std::vector<double> kept,
                                            const Execution& execution);

// As many different rows, drawn by weight.
Result<std::vector<double>> RandomCentres(const MatrixSource& rows, std::size_t clusters,
                                          const std::vector<double>& shift, std::uint64_t seed,
                                          std::uint64_t start, const Execution& execution);

}  // namespace dml::learn
