#pragma once

#include <cstdint>
#include <string>

#include "plugins/table/load.h"

namespace dml::table {

// Artificial data of any size in bounded memory. Every number is a Philox draw keyed by
// (seed, row, column): the same bits for any number of threads. Columns x_1 ... x_n are float64.

struct GenerateOptions {
  std::uint64_t rows = 1000;
  std::uint64_t features = 10;
  std::uint64_t informative = 0;  // of the features, the rest is noise; 0: at most 10
  double noise = 1.0;             // regression: standard deviation around the true target
  double flip = 0.01;             // classification: share of the labels that are drawn anew
  std::uint64_t classes = 2;      // classification; centres for blobs
  double spread = 1.0;            // standard deviation of a class or blob around its centre
  std::uint64_t seed = 0;
  std::uint64_t partition_rows = 0;  // 0: about 32 MiB per partition
};

// y = sum of c_j x_j over the informative features + noise; x and c are standard normal, c scaled
// by 10. Column "y" is float64.
Result<LoadReport> GenerateRegression(const GenerateOptions& options, const std::string& directory,
                                      const LoadExecution& execution);

// Classes around centres at random corners of a cube of side 2 over the informative features;
// column "class" is int64, 0 to classes - 1, in equal shares.
Result<LoadReport> GenerateClassification(const GenerateOptions& options,
                                          const std::string& directory,
                                          const LoadExecution& execution);

// Gaussian blobs around centres drawn uniformly from [-10, 10]; column "cluster" is int64.
Result<LoadReport> GenerateBlobs(const GenerateOptions& options, const std::string& directory,
                                 const LoadExecution& execution);

}  // namespace dml::table
