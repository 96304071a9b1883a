#include "plugins/learn/linear/least_squares.h"

#include <gtest/gtest.h>

#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

std::vector<double> Solution(const FitResult& fit) {
  // Scores of the unit vectors and of zero give weights and intercept without knowing the class.
  const std::vector<double> weights = fit.predictor->FeatureWeights();
  Tile zero;
  zero.rows = 1;
  zero.features = weights.size();
  zero.x.assign(weights.size(), 0.0);
  std::vector<double> out = weights;
  out.resize(weights.size() + 1);
  fit.predictor->Predict(zero, std::span(out).last(1));
  return out;
}

std::vector<double> Expected(const Json& fixture, const char* name) {
  auto out = fixture.at(name).at("coef").at(0).get<std::vector<double>>();
  out.push_back(fixture.at(name).at("intercept").at(0).get<double>());
  return out;
}

TEST(LeastSquares, AgreesWithScikitLearn) {
  const Json fixture = Fixture("regression");
  const MatrixSource plain(ToMatrix(fixture), 100);
  const MatrixSource weighted(ToMatrix(fixture, true), 100);
  const auto check = [&](const Result<FitResult>& fit, const char* name) {
    ASSERT_TRUE(fit.ok()) << fit.error().Render();
    EXPECT_LT(RelativeDifference(Solution(*fit), Expected(fixture, name)), 1e-9) << name;
  };
  check(FitLinearRegression(plain, {}, {}), "linear");
  check(FitLinearRegression(weighted, {}, {}), "linear_weighted");
  check(FitLinearRegression(plain, {.fit_intercept = false}, {}), "linear_no_intercept");
  check(FitRidge(plain, {.alpha = 10.0}, {}), "ridge");
  check(FitRidge(weighted, {.alpha = 2.5}, {}), "ridge_weighted");
}

// NIST StRD "Longley": the classic ill-conditioned regression, with certified values.
TEST(LeastSquares, LongleyToElevenDigits) {
  MatrixSource::Dense matrix;
  matrix.features = 6;
  matrix.x = {83.0,  234289, 2356, 1590, 107608, 1947, 88.5,  259426, 2325, 1456, 108632, 1948,
              88.2,  258054, 3682, 1616, 109773, 1949, 89.5,  284599, 3351, 1650, 110929, 1950,
              96.2,  328975, 2099, 3099, 112075, 1951, 98.1,  346999, 1932, 3594, 113270, 1952,
              99.0,  365385, 1870, 3547, 115094, 1953, 100.0, 363112, 3578, 3350, 116219, 1954,
              101.2, 397469, 2904, 3048, 117388, 1955, 104.6, 419180, 2822, 2857, 118734, 1956,
              108.4, 442769, 2936, 2798, 120445, 1957, 110.8, 444546, 4681, 2637, 121950, 1958,
              112.6, 482704, 3813, 2552, 123366, 1959, 114.2, 502601, 3931, 2514, 125368, 1960,
              115.7, 518173, 4806, 2572, 127852, 1961, 116.9, 554894, 4007, 2827, 130081, 1962};
  matrix.y = {60323, 61122, 60171, 61187, 63221, 63639, 64989, 63761,
              66019, 67857, 68169, 66513, 68655, 69564, 69331, 70551};
  const Result<FitResult> fit = FitLinearRegression(MatrixSource(matrix, 5), {}, {});
  ASSERT_TRUE(fit.ok());
  const std::vector<double> certified{15.0618722713733,  -0.358191792925910e-1, -2.02022980381683,
                                      -1.03322686717359, -0.511041056535807e-1, 1829.15146461355,
                                      -3482258.63459582};
  const std::vector<double> found = Solution(*fit);
  for (std::size_t i = 0; i < certified.size(); ++i) {
    EXPECT_NEAR(found[i] / certified[i], 1.0, 1e-11) << i;
  }
}

TEST(LeastSquares, DependentColumnsGetTheSmallestSolution) {
  MatrixSource::Dense matrix;
  matrix.features = 3;  // the second column is twice the first, the third is constant
  for (int i = 0; i < 20; ++i) {
    matrix.x.insert(matrix.x.end(), {1.0 * i, 2.0 * i, 7.1});
    matrix.y.push_back(5.0 * i + 1.0);
  }
  const Result<FitResult> fit = FitLinearRegression(MatrixSource(matrix), {}, {});
  ASSERT_TRUE(fit.ok());
  const std::vector<double> found = Solution(*fit);
  EXPECT_NEAR(found[0], 1.0, 1e-12);
  EXPECT_NEAR(found[1], 2.0, 1e-12);
  EXPECT_EQ(found[2], 0.0);
  EXPECT_NEAR(found[3], 1.0, 1e-10);
  ASSERT_EQ(fit->certificate.warnings.size(), 1U);
  EXPECT_NE(fit->certificate.warnings[0].find("rank 1 of 3"), std::string::npos);
}

TEST(LeastSquares, WeightsEqualRepetition) {
  const Json fixture = Fixture("regression");
  MatrixSource::Dense weighted = ToMatrix(fixture);
  MatrixSource::Dense repeated{.features = weighted.features, .x = {}, .y = {}, .weight = {}};
  for (std::size_t r = 0; r < weighted.y.size(); ++r) {
    weighted.weight.push_back(static_cast<double>(r % 4));
    for (std::size_t copy = 0; copy < r % 4; ++copy) {
      const auto row = weighted.x.begin() + static_cast<std::ptrdiff_t>(r * weighted.features);
      repeated.x.insert(repeated.x.end(), row, row + 6);
      repeated.y.push_back(weighted.y[r]);
    }
  }
  const Result<FitResult> a = FitRidge(MatrixSource(weighted), {}, {});
  const Result<FitResult> b = FitRidge(MatrixSource(repeated), {}, {});
  EXPECT_LT(RelativeDifference(Solution(*a), Solution(*b)), 1e-12);
}

TEST(LeastSquares, SaysWhatIsWrong) {
  MatrixSource::Dense matrix{.features = 1, .x = {1, 2, 3}, .y = {4, 4, 4}, .weight = {}};
  const Result<FitResult> constant = FitRidge(MatrixSource(matrix), {}, {});
  ASSERT_TRUE(constant.ok());
  ASSERT_FALSE(constant->certificate.warnings.empty());
  EXPECT_NE(constant->certificate.warnings[0].find("target is constant"), std::string::npos);
  EXPECT_EQ(Solution(*constant), (std::vector<double>{0.0, 4.0}));

  EXPECT_EQ(FitRidge(MatrixSource(matrix), {.alpha = -1.0}, {}).error().kind, ErrorKind::kInvalid);
  const Result<FitResult> nothing = FitRidge(MatrixSource({}, 1, false), {}, {});
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().message, "there are no rows to train on");

  matrix.x[1] = std::nan("");
  const Result<FitResult> bad = FitRidge(MatrixSource(matrix), {}, {});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().where, "row 1, feature 0");
  matrix.x[1] = 2;
  matrix.y.clear();
  EXPECT_EQ(FitRidge(MatrixSource(matrix), {}, {}).error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace dml::learn
