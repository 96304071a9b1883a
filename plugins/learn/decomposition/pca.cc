#include "plugins/learn/decomposition/pca.h"

#include <Eigen/Eigenvalues>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "plugins/learn/decomposition/row_components.h"
#include "plugins/learn/kernels/tile_product.h"
#include "plugins/learn/moments.h"
#include "plugins/learn/tensors.h"
#include "plugins/learn/wide_rows.h"

namespace dml::learn {

namespace {

constexpr std::size_t kCovarianceFeaturesMax = 10000;

// Eigenvalues descending, clipped at zero; eigenvectors as rows with a fixed sign.
struct Spectrum {
  std::vector<double> values;
  std::vector<double> vectors;
};

Spectrum Decompose(const Moments& moments) {
  const std::size_t p = moments.mean.size();
  const auto n = static_cast<Eigen::Index>(p);
  const double factor = 1.0 / (moments.weight - 1.0);
  Eigen::MatrixXd covariance(n, n);
  for (std::size_t i = 0; i < p; ++i) {
    for (std::size_t j = i; j < p; ++j) {
      const double value = moments.gram[i * p + j] * factor;
      covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = value;
      covariance(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) = value;
    }
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  Spectrum out;
  for (Eigen::Index k = n; k-- > 0;) {
    out.values.push_back(std::max(0.0, solver.eigenvalues()[k]));
    const auto vector = solver.eigenvectors().col(k);
    for (Eigen::Index j = 0; j < n; ++j) out.vectors.push_back(vector[j]);
  }
  return out;
}

// The entry of largest magnitude becomes positive.
void FixSign(double* vector, std::size_t features) {
  std::size_t largest = 0;
  for (std::size_t j = 1; j < features; ++j) {
    if (std::abs(vector[j]) > std::abs(vector[largest])) largest = j;
  }
  if (!(vector[largest] < 0.0)) return;
  for (std::size_t j = 0; j < features; ++j) vector[j] = -vector[j];
}

Result<std::size_t> CountComponents(const PcaOptions& options, const Spectrum& spectrum,
                                    std::uint64_t rows) {
  const std::size_t most =
      std::min(spectrum.values.size(), static_cast<std::size_t>(std::max<std::uint64_t>(1, rows)));
  if (options.variance_share > 0.0) {
    if (options.variance_share >= 1.0) {
      return Error::Invalid("the share of variance must lie between 0 and 1");
    }
    double total = 0.0;
    for (const double value : spectrum.values) total += value;
    double sum = 0.0;
    for (std::size_t k = 0; k < most; ++k) {
      sum += spectrum.values[k];
      if (sum >= options.variance_share * total) return k + 1;
    }
    return most;
  }
  if (options.components > most) {
    return Error::Invalid(fmt::format("n_components is {}, but {} rows of {} features have at most "
                                      "{}",
                                      options.components, rows, spectrum.values.size(), most),
                          "lower n_components");
  }
  return options.components == 0 ? most : options.components;
}

// The components to keep, and what they were found from.
struct Decomposition {
  Spectrum spectrum;  // all values; at least `count` vectors
  std::size_t count = 0;
  std::vector<double> mean;
  double weight = 0.0;
  std::uint64_t rows = 0;
};

Error TooFewRows() {
  return Error::Invalid("PCA needs at least two rows",
                        "check the filters and the split before this step");
}

Result<Decomposition> DecomposeByFeatures(const DataSource& source, const PcaOptions& options,
                                          const Execution& execution) {
  DML_TRY(Moments moments, FitMoments(source, MomentsOf::kFeatures, execution));
  if (!(moments.weight > 1.0)) return TooFewRows();
  Decomposition out;
  out.spectrum = Decompose(moments);
  DML_TRY(out.count, CountComponents(options, out.spectrum, moments.rows));
  out.mean = std::move(moments.mean);
  out.weight = moments.weight;
  out.rows = moments.rows;
  return out;
}

Result<Decomposition> DecomposeByRows(const DataSource& source, const PcaOptions& options,
                                      const Execution& execution) {
  DML_TRY(WideRows wide, GatherWide(source, false, true, execution));
  if (!(wide.weight > 1.0)) return TooFewRows();
  DML_TRY(const RowSpectrum rows, DecomposeRows(wide, execution));
  Decomposition out;
  for (const double value : rows.values) {
    out.spectrum.values.push_back(value / (wide.weight - 1.0));
  }
  out.spectrum.values.resize(wide.features, 0.0);  // no row points any further
  DML_TRY(out.count, CountComponents(options, out.spectrum, wide.rows_seen));
  out.spectrum.vectors = ComponentsOf(wide, rows, out.count);
  out.mean = std::move(wide.mean);
  out.weight = wide.weight;
  out.rows = wide.rows_seen;
  return out;
}

// The shares as an array, in all, and the first ones as single numbers, which are metrics.
void NumberShares(const std::vector<double>& shares, Json& numbers) {
  constexpr std::size_t kSingleMax = 20;
  const int width = shares.size() < 10 ? 1 : 2;
  double total = 0.0;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    total += shares[k];
    if (k >= kSingleMax) continue;
    numbers[fmt::format("explained_variance_ratio_{:0{}}", k + 1, width)] = shares[k];
  }
  numbers["explained_variance_ratio"] = shares;
  numbers["explained_variance_ratio_total"] = total;
}

}  // namespace

Result<FitResult> FitPca(const DataSource& source, const PcaOptions& options,
                         const Execution& execution) {
  const std::size_t p = source.feature_names().size();
  if (p == 0) return Error::Invalid("there are no features to train on");
  const bool wide = IsWide(source.rows(), p);
  if (p > kCovarianceFeaturesMax && !wide) {
    return Error::Invalid(
        fmt::format("{} features are too many for a covariance matrix (at most "
                    "{})",
                    p, kCovarianceFeaturesMax));
  }
  DML_TRY(Decomposition found, wide ? DecomposeByRows(source, options, execution)
                                    : DecomposeByFeatures(source, options, execution));
  const std::vector<double>& values = found.spectrum.values;
  PcaPredictor::Parts parts;
  parts.features = p;
  parts.whiten = options.whiten;
  parts.mean = std::move(found.mean);
  parts.components = std::move(found.spectrum.vectors);
  parts.components.resize(found.count * p);
  double total = 0.0;
  for (const double value : values) total += value;
  const std::size_t count = found.count;
  for (std::size_t k = 0; k < count; ++k) {
    FixSign(parts.components.data() + k * p, p);
    parts.variance.push_back(values[k]);
    parts.variance_ratio.push_back(total > 0.0 ? values[k] / total : 0.0);
    parts.singular_values.push_back(std::sqrt(values[k] * (found.weight - 1.0)));
  }
  const std::size_t rank = std::min(p, static_cast<std::size_t>(found.rows));
  for (std::size_t k = count; k < rank; ++k) {
    parts.noise_variance += values[k] / static_cast<double>(rank - count);
  }
  FitResult result;
  Certificate& certificate = result.certificate;
  certificate.stopped_because = "solved directly";
  certificate.iterations = 1;
  certificate.numbers = {{"components", count}, {"noise_variance", parts.noise_variance}};
  NumberShares(parts.variance_ratio, certificate.numbers);
  const double floor = 1e-10 * values.front();
  if (total == 0.0) {
    certificate.warnings.emplace_back("Every feature is constant: there is nothing to decompose.");
  } else if (parts.variance.back() < floor) {
    certificate.warnings.emplace_back(
        "The last components have less than 1e-10 of the first one's variance: their directions "
        "are "
        "rounding noise.");
  }
  result.predictor = std::make_unique<PcaPredictor>(std::move(parts));
  return result;
}

PcaPredictor::PcaPredictor(Parts parts) : parts_(std::move(parts)), projection_(parts_.components) {
  if (!parts_.whiten) return;
  for (std::size_t k = 0; k < parts_.variance.size(); ++k) {
    // As scikit-learn: a vanishing deviation does not blow the output up to infinity.
    const double deviation =
        std::max(std::sqrt(parts_.variance[k]), std::numeric_limits<double>::epsilon());
    for (std::size_t j = 0; j < parts_.features; ++j) {
      projection_[k * parts_.features + j] /= deviation;
    }
  }
}

void PcaPredictor::Predict(const Tile& tile, std::span<double> out) const {
  std::vector<double> zeros(outputs(), 0.0);
  if (!tile.sparse()) {
    TileAffine(tile, parts_.mean.data(), projection_.data(), zeros.data(), outputs(), out.data());
    return;
  }
  for (std::size_t k = 0; k < outputs(); ++k) {
    for (std::size_t j = 0; j < parts_.features; ++j) {
      zeros[k] -= projection_[k * parts_.features + j] * parts_.mean[j];
    }
  }
  TileAffine(tile, nullptr, projection_.data(), zeros.data(), outputs(), out.data());
}

void PcaPredictor::Save(Json& header, std::vector<OwnedTensor>& tensors) const {
  const auto count = static_cast<std::int64_t>(outputs());
  const auto features = static_cast<std::int64_t>(parts_.features);
  header["components"] = count;
  header["features"] = features;
  header["whiten"] = parts_.whiten;
  header["noise_variance"] = parts_.noise_variance;
  tensors.push_back(MakeTensor("mean", {features}, parts_.mean));
  tensors.push_back(MakeTensor("components", {count, features}, parts_.components));
  tensors.push_back(MakeTensor("explained_variance", {count}, parts_.variance));
  tensors.push_back(MakeTensor("explained_variance_ratio", {count}, parts_.variance_ratio));
  tensors.push_back(MakeTensor("singular_values", {count}, parts_.singular_values));
}

Result<std::unique_ptr<Predictor>> LoadPca(const Json& header, const TensorFile& file) {
  PcaPredictor::Parts parts;
  const auto count = header.at("components").get<std::size_t>();
  parts.features = header.at("features").get<std::size_t>();
  parts.whiten = header.at("whiten").get<bool>();
  parts.noise_variance = header.at("noise_variance").get<double>();
  DML_TRY(parts.mean, TakeTensor(file, "mean", parts.features));
  DML_TRY(parts.components, TakeTensor(file, "components", count * parts.features));
  DML_TRY(parts.variance, TakeTensor(file, "explained_variance", count));
  DML_TRY(parts.variance_ratio, TakeTensor(file, "explained_variance_ratio", count));
  DML_TRY(parts.singular_values, TakeTensor(file, "singular_values", count));
  return std::unique_ptr<Predictor>(std::make_unique<PcaPredictor>(std::move(parts)));
}

}  // namespace dml::learn
