#pragma once

#include <cstddef>
#include <vector>

#include "plugins/learn/wide_rows.h"

namespace dml::learn {

// Eigenvalues of Z Z', descending, clipped at zero; eigenvectors as rows.
struct RowSpectrum {
  std::vector<double> values;
  std::vector<double> vectors;
};

Result<RowSpectrum> DecomposeRows(const WideRows& wide, const Execution& execution);

// The first `count` eigenvectors of Z'Z, as orthonormal rows over features. Those without an
// eigenvalue to speak of are unit vectors made orthogonal to the ones before.
[[nodiscard]] std::vector<double> ComponentsOf(const WideRows& wide, const RowSpectrum& spectrum,
                                               std::size_t count);

}  // namespace dml::learn
