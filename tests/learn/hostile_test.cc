// Data that breaks naive formulas: every fit ends with finite numbers that are right, or with an
// error that says what to do.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "base/random.h"
#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

struct Fitter {
  std::string name;
  std::function<Result<FitResult>(const DataSource&)> fit;
};

std::vector<Fitter> Fitters() {
  LogisticOptions free;
  free.penalty = LogisticOptions::Penalty::kNone;
  return {
      {"linear", [](const DataSource& s) { return FitLinearRegression(s, {}, {}); }},
      {"ridge", [](const DataSource& s) { return FitRidge(s, {}, {}); }},
      {"logistic", [](const DataSource& s) { return FitLogistic(s, 2, {}, {}); }},
      {"free", [free](const DataSource& s) { return FitLogistic(s, 2, free, {}); }},
      {"pca", [](const DataSource& s) { return FitPca(s, {}, {}); }},
      {"kmeans", [](const DataSource& s) { return FitKMeans(s, {.clusters = 3}, {}); }},
      {"kmeans||",
       [](const DataSource& s) {
         return FitKMeans(s, {.clusters = 3, .init = KMeansOptions::Init::kParallel}, {});
       }},
  };
}

// Normal columns; the target is the sign of the first two plus noise.
MatrixSource::Dense Plain(std::size_t rows, std::size_t features) {
  const Philox random(6, "hostile");
  MatrixSource::Dense out{.features = features, .x = {}, .y = {}, .weight = {}};
  for (std::uint64_t r = 0; r < rows; ++r) {
    for (std::uint64_t j = 0; j < features; ++j) out.x.push_back(random.Normal(r, j));
    const double sum = out.x[r * features] + out.x[r * features + 1];
    out.y.push_back(sum + random.Normal(r, 99) > 0.0 ? 1.0 : 0.0);
  }
  return out;
}

// Every column j of every row becomes change(j, value).
MatrixSource::Dense Changed(MatrixSource::Dense matrix,
                            const std::function<double(std::size_t, double)>& change) {
  for (std::size_t i = 0; i < matrix.x.size(); ++i) {
    matrix.x[i] = change(i % matrix.features, matrix.x[i]);
  }
  return matrix;
}

void ExpectFinite(const MatrixSource::Dense& matrix, const std::string& what) {
  const MatrixSource source(matrix, 64);
  for (const Fitter& fitter : Fitters()) {
    const Result<FitResult> fit = fitter.fit(source);
    ASSERT_TRUE(fit.ok()) << fitter.name << " on " << what << ": " << fit.error().Render();
    for (const double score : PredictAll(*fit->predictor, source)) {
      ASSERT_TRUE(std::isfinite(score)) << fitter.name << " on " << what;
    }
    for (const double objective : fit->certificate.objective_history) {
      EXPECT_TRUE(std::isfinite(objective)) << fitter.name << " on " << what;
    }
  }
}

TEST(Hostile, EveryFitStaysFinite) {
  const MatrixSource::Dense plain = Plain(300, 3);
  ExpectFinite(plain, "plain rows");
  ExpectFinite(Changed(plain, [](std::size_t j, double v) { return j == 1 ? 7.1 : v; }),
               "a constant column");
  ExpectFinite(Changed(plain, [](std::size_t, double) { return 0.1; }), "constant columns only");
  ExpectFinite(Changed(plain, [](std::size_t j, double v) { return j == 1 ? 1e12 * v : v; }),
               "a column of scale 1e12");
  ExpectFinite(Changed(plain, [](std::size_t j, double v) { return j == 1 ? 1e12 + v : v; }),
               "a column far from 0");
  ExpectFinite(Changed(plain, [](std::size_t j, double v) { return j == 1 ? 1e-12 * v : v; }),
               "a column of scale 1e-12");
  ExpectFinite(Changed(plain, [](std::size_t j, double v) { return j == 1 ? 1e-300 * v : v; }),
               "a column of scale 1e-300");
  ExpectFinite(Changed(plain, [](std::size_t, double v) { return 1e-300 * v; }),
               "all columns of scale 1e-300");
  ExpectFinite(Changed(plain, [](std::size_t, double v) { return 1e100 * v; }),
               "all columns of scale 1e100");
  MatrixSource::Dense collinear = plain;
  for (std::size_t r = 0; r < 300; ++r) {
    collinear.x[3 * r + 2] = 2.0 * collinear.x[3 * r] - collinear.x[3 * r + 1];
  }
  ExpectFinite(collinear, "a column that is a sum of others");
  MatrixSource::Dense wide = Plain(4, 40);
  wide.y = {0, 1, 0, 1};
  ExpectFinite(wide, "fewer rows than features");
}

// Squares that leave the range of doubles are said to, and not silently taken for infinity.
TEST(Hostile, ValuesWhoseSquaresOverflowAreAnError) {
  const MatrixSource source(
      Changed(Plain(300, 3), [](std::size_t j, double v) { return j == 1 ? 1e200 * v : v; }), 64);
  for (const Fitter& fitter : Fitters()) {
    const Result<FitResult> fit = fitter.fit(source);
    ASSERT_FALSE(fit.ok()) << fitter.name;
    EXPECT_EQ(fit.error().kind, ErrorKind::kInvalid) << fitter.name;
    EXPECT_NE(fit.error().message.find("x1"), std::string::npos) << fit.error().Render();
  }
}

// What a unit is called does not change what is predicted.
TEST(Hostile, ScaleDoesNotChangePredictionsWithoutAPenalty) {
  const MatrixSource::Dense plain = Plain(500, 3);
  const MatrixSource::Dense scaled =
      Changed(plain, [](std::size_t j, double v) { return j == 0 ? 1e12 * v : 1e-9 * v + 1e-3; });
  LogisticOptions free;
  free.penalty = LogisticOptions::Penalty::kNone;
  free.tol = 1e-10;
  const Result<FitResult> a = FitLogistic(MatrixSource(plain), 2, free, {});
  const Result<FitResult> b = FitLogistic(MatrixSource(scaled), 2, free, {});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_TRUE(b->certificate.converged) << b->certificate.ToJson();
  EXPECT_LT(RelativeDifference(PredictAll(*b->predictor, MatrixSource(scaled)),
                               PredictAll(*a->predictor, MatrixSource(plain))),
            1e-6);
  const Result<FitResult> c = FitLinearRegression(MatrixSource(plain), {}, {});
  const Result<FitResult> d = FitLinearRegression(MatrixSource(scaled), {}, {});
  EXPECT_LT(RelativeDifference(PredictAll(*d->predictor, MatrixSource(scaled)),
                               PredictAll(*c->predictor, MatrixSource(plain))),
            1e-8);
}

TEST(Hostile, NotANumberIsNamedWithItsPlace) {
  MatrixSource::Dense matrix = Plain(300, 3);
  matrix.x[3 * 217 + 1] = std::nan("");
  const MatrixSource source(matrix, 64);
  for (const Fitter& fitter : Fitters()) {
    const Result<FitResult> fit = fitter.fit(source);
    ASSERT_FALSE(fit.ok()) << fitter.name;
    EXPECT_EQ(fit.error().where, "row 217, feature 1") << fitter.name;
  }
}

}  // namespace
}  // namespace dml::learn
