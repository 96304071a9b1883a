#include "plugins/learn/decomposition/row_components.h"

#include <Eigen/Dense>
#include <Eigen/Eigenvalues>

#include <algorithm>

namespace dml::learn {

namespace {

using Eigen::Index;
using Eigen::VectorXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const RowMatrix>;

// Below this share of the first eigenvalue, Z'u is no longer orthogonal to the others by itself.
constexpr double kOrthogonalShare = 1e-4;
// Below this one it is rounding noise.
constexpr double kNoiseShare = 1e-13;

// Takes off what lies in the span of `earlier`, twice: once leaves rounding errors of the size of
// what was taken off.
void Orthogonalize(const Rows& earlier, VectorXd& v) {
  for (int again = 0; again < 2; ++again) {
    const VectorXd along = earlier * v;
    v -= earlier.transpose() * along;
  }
}

// The unit vector that lies least in the span of `earlier`, made orthogonal to it.
VectorXd AnyOrthogonal(const Rows& earlier) {
  const VectorXd inside = earlier.colwise().squaredNorm().transpose();
  Index least = 0;
  for (Index j = 1; j < inside.size(); ++j) {
    if (inside[j] < inside[least]) least = j;
  }
  VectorXd v = VectorXd::Unit(inside.size(), least);
  Orthogonalize(earlier, v);
  return v;
}

}  // namespace

Result<RowSpectrum> DecomposeRows(const WideRows& wide, const Execution& execution) {
  DML_TRY(const std::vector<double> gram, RowGram(wide, execution));
  const auto n = static_cast<Index>(wide.rows);
  // The upper triangle by rows is the lower one by columns.
  const Eigen::Map<const Eigen::MatrixXd> lower(gram.data(), n, n);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(lower);
  RowSpectrum out;
  for (Index k = n; k-- > 0;) {
    out.values.push_back(std::max(0.0, solver.eigenvalues()[k]));
    const auto vector = solver.eigenvectors().col(k);
    for (Index i = 0; i < n; ++i) out.vectors.push_back(vector[i]);
  }
  return out;
}

std::vector<double> ComponentsOf(const WideRows& wide, const RowSpectrum& spectrum,
                                 std::size_t count) {
  const auto p = static_cast<Index>(wide.features);
  std::vector<double> out;
  out.reserve(count * wide.features);
  for (std::size_t k = 0; k < count; ++k) {
    const Rows earlier(out.data(), static_cast<Index>(k), p);
    const double value = k < wide.rows ? spectrum.values[k] : 0.0;
    const double first = spectrum.values[0];
    VectorXd v;
    if (value > kNoiseShare * first) {
      const std::vector<double> along = ToFeatures(wide, spectrum.vectors.data() + k * wide.rows);
      v = Eigen::Map<const VectorXd>(along.data(), p);
      if (value < kOrthogonalShare * first) Orthogonalize(earlier, v);
    } else {
      v = AnyOrthogonal(earlier);
    }
    v.normalize();
    out.insert(out.end(), v.data(), v.data() + p);
  }
  return out;
}

}  // namespace dml::learn
