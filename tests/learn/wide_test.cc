// Far more features than rows: solved over rows, with the answers of solving over features.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/wide_rows.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t kRows = 40;
constexpr std::size_t kFeatures = 600;

// The rows of tests/fixtures/make_wide.py.
MatrixSource::Dense Wide(bool weighted = false) {
  MatrixSource::Dense out;
  out.features = kFeatures;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      const auto row = static_cast<double>(i);
      const auto column = static_cast<double>(j);
      out.x.push_back(std::sin(0.7 + 1.3 * row + 0.037 * column * (row + 1)) *
                          static_cast<double>(1 + j % 7) +
                      0.5 * static_cast<double>(j % 11));
    }
    const double* x = out.x.data() + i * kFeatures;
    out.y.push_back(std::cos(0.9 * static_cast<double>(i)) + x[3] - 0.5 * x[100]);
    if (weighted) out.weight.push_back(0.5 + static_cast<double>(i % 3));
  }
  return out;
}

// The same rows for the solution over features: rows of weight zero make it tall, and do not count.
MatrixSource::Dense Padded(MatrixSource::Dense matrix) {
  matrix.weight.resize(matrix.y.size(), 1.0);
  while (IsWide(matrix.y.size(), matrix.features)) {
    for (std::size_t j = 0; j < matrix.features; ++j) {
      matrix.x.push_back(static_cast<double>(j % 5));
    }
    matrix.y.push_back(3.0);
    matrix.weight.push_back(0.0);
  }
  return matrix;
}

Numbers Solution(const Result<FitResult>& fit) {
  EXPECT_TRUE(fit.ok()) << fit.error().Render();
  Numbers out = fit->predictor->FeatureWeights();
  out.push_back(dynamic_cast<const LinearPredictor&>(*fit->predictor).intercept());
  return out;
}

const PcaPredictor::Parts& PartsOf(const FitResult& fit) {
  return dynamic_cast<const PcaPredictor&>(*fit.predictor).parts();
}

double Dot(const double* a, const double* b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < kFeatures; ++j) sum += a[j] * b[j];
  return sum;
}

TEST(Wide, IsARuleOfTheShapes) {
  EXPECT_TRUE(IsWide(kRows, kFeatures));
  EXPECT_TRUE(IsWide(5, 20'000));
  EXPECT_FALSE(IsWide(301, 600));
  EXPECT_FALSE(IsWide(5, 20));
  EXPECT_FALSE(IsWide(40'000, 100'000)) << "more than memory should hold";
}

TEST(Wide, LeastSquaresAgreeWithScikitLearnAndNumpy) {
  const Json fixture = Fixture("wide");
  const MatrixSource plain(Wide(), 7);
  const MatrixSource weighted(Wide(true), 7);
  const auto expect = [&](const Result<FitResult>& fit, const char* name) {
    EXPECT_LT(RelativeDifference(Solution(fit), fixture.at(name).get<Numbers>()), 1e-9) << name;
  };
  expect(FitRidge(plain, {.alpha = 2.5}, {}), "ridge");
  expect(FitRidge(weighted, {.alpha = 2.5}, {}), "ridge_weighted");
  expect(FitRidge(plain, {.alpha = 2.5, .fit_intercept = false}, {}), "ridge_no_intercept");
  expect(FitLinearRegression(plain, {}, {}), "linear");
  expect(FitLinearRegression(weighted, {}, {}), "linear_weighted");
}

TEST(Wide, OverRowsAndOverFeaturesAreOneSolution) {
  for (const bool weighted : {false, true}) {
    for (const double alpha : {1e3, 1.0, 1e-6}) {
      const MatrixSource wide(Wide(weighted), 7);
      const MatrixSource tall(Padded(Wide(weighted)), 100);
      const auto by_rows = FitRidge(wide, {.alpha = alpha}, {});
      const auto by_features = FitRidge(tall, {.alpha = alpha}, {});
      EXPECT_LT(RelativeDifference(Solution(by_rows), Solution(by_features)), 1e-8) << alpha;
      const double objective = by_rows->certificate.objective_history.back();
      // The one over features comes from a difference of sums of squares.
      EXPECT_NEAR(objective, by_features->certificate.objective_history.back(), 1e-9) << alpha;
    }
  }
}

// Equal rows with different targets: no weights fit both, and the nearest ones are wanted.
TEST(Wide, ContradictingRowsGetTheLeastSquares) {
  MatrixSource::Dense matrix = Wide();
  for (std::size_t j = 0; j < kFeatures; ++j) matrix.x[5 * kFeatures + j] = matrix.x[j];
  matrix.y[5] = matrix.y[0] + 4.0;
  const auto fit = FitLinearRegression(MatrixSource(matrix), {}, {});
  ASSERT_TRUE(fit.ok());
  const Numbers scores = PredictAll(*fit->predictor, MatrixSource(matrix));
  EXPECT_NEAR(scores[0], matrix.y[0] + 2.0, 1e-8);
  EXPECT_NEAR(scores[1], matrix.y[1], 1e-8);
  EXPECT_NEAR(fit->certificate.objective_history.back(), 8.0, 1e-7);
  EXPECT_EQ(fit->certificate.numbers.at("rank"), kRows - 2);
  EXPECT_NE(fit->certificate.warnings.at(0).find("rank 38 of 600"), std::string::npos);
}

TEST(Wide, ConstantColumnsAndTargets) {
  MatrixSource::Dense matrix = Wide();
  for (std::size_t i = 0; i < kRows; ++i) matrix.x[i * kFeatures + 9] = 0.1;
  const Numbers weights = Solution(FitRidge(MatrixSource(matrix, 7), {.alpha = 1.0}, {}));
  EXPECT_EQ(weights[9], 0.0);
  matrix.y.assign(kRows, 0.3);
  const auto constant = FitRidge(MatrixSource(matrix, 7), {.alpha = 1.0}, {});
  EXPECT_EQ(Solution(constant).back(), 0.3);
  EXPECT_NE(constant->certificate.warnings.at(0).find("target is constant"), std::string::npos);
}

TEST(Wide, MoreFeaturesThanAGramMatrixTakes) {
  MatrixSource::Dense matrix{.features = 30'000, .x = {}, .y = {1, 2, 4, 3}, .weight = {}};
  for (std::size_t k = 0; k < 4 * matrix.features; ++k) {
    matrix.x.push_back(std::sin(static_cast<double>(k * k % 10'007)));
  }
  const MatrixSource source(matrix);
  const auto fit = FitRidge(source, {.alpha = 1e-3}, {});
  ASSERT_TRUE(fit.ok()) << fit.error().Render();
  EXPECT_LT(RelativeDifference(PredictAll(*fit->predictor, source), matrix.y), 1e-5);
  EXPECT_TRUE(FitPca(source, {.components = 2}, {}).ok());
}

TEST(Wide, HugeValuesAreNamed) {
  MatrixSource::Dense matrix = Wide();
  matrix.x[17] = 1e200;
  EXPECT_NE(FitRidge(MatrixSource(matrix), {}, {}).error().message.find("'x17'"),
            std::string::npos);
  matrix = Wide();
  matrix.y[3] = 1e200;
  EXPECT_NE(FitRidge(MatrixSource(matrix), {}, {}).error().message.find("target"),
            std::string::npos);
}

TEST(Wide, PcaAgreesWithScikitLearn) {
  const Json fixture = Fixture("wide");
  const auto fit = FitPca(MatrixSource(Wide(), 7), {.components = 5}, {});
  ASSERT_TRUE(fit.ok()) << fit.error().Render();
  const PcaPredictor::Parts& parts = PartsOf(*fit);
  EXPECT_LT(RelativeDifference(parts.variance, fixture.at("pca_variance").get<Numbers>()), 1e-10);
  EXPECT_LT(RelativeDifference(parts.variance_ratio, fixture.at("pca_ratio").get<Numbers>()),
            1e-10);
  for (std::size_t k = 0; k < 5; ++k) {
    const auto expected = fixture.at("pca_components").at(k).get<Numbers>();
    EXPECT_NEAR(std::abs(Dot(parts.components.data() + k * kFeatures, expected.data())), 1.0, 1e-9);
  }
}

TEST(Wide, PcaOverRowsAndOverFeaturesAreOne) {
  const auto by_rows = FitPca(MatrixSource(Wide(true), 7), {.components = 6}, {});
  const auto by_features = FitPca(MatrixSource(Padded(Wide(true)), 50), {.components = 6}, {});
  ASSERT_TRUE(by_rows.ok() && by_features.ok());
  EXPECT_LT(RelativeDifference(PartsOf(*by_rows).variance, PartsOf(*by_features).variance), 1e-10);
  EXPECT_LT(RelativeDifference(PartsOf(*by_rows).components, PartsOf(*by_features).components),
            1e-9);
}

// All of them: the last has no variance, and two rows that are equal leave one more without.
TEST(Wide, PcaComponentsAreOrthonormal) {
  MatrixSource::Dense matrix = Wide();
  for (std::size_t j = 0; j < kFeatures; ++j) {
    matrix.x[5 * kFeatures + j] = matrix.x[j];
    matrix.x[7 * kFeatures + j] = matrix.x[kFeatures + j] + (j == 3 ? 1e-5 : 0.0);
  }
  const auto fit = FitPca(MatrixSource(matrix), {}, {});
  ASSERT_TRUE(fit.ok());
  const PcaPredictor::Parts& parts = PartsOf(*fit);
  ASSERT_EQ(parts.variance.size(), kRows);
  for (std::size_t a = 0; a < kRows; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      const double* rows = parts.components.data();
      EXPECT_NEAR(Dot(rows + a * kFeatures, rows + b * kFeatures), a == b ? 1.0 : 0.0, 1e-11)
          << a << ", " << b;
    }
  }
  EXPECT_FALSE(fit->certificate.warnings.empty()) << "directions without variance are noise";
}

}  // namespace
}  // namespace dml::learn
