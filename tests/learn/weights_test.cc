// A row of weight w counts as w rows, for every estimator of this folder; a row of weight 0 as
// none.

#include <gtest/gtest.h>

#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

// The rows of a fixture with weights 0, 1, 2, 3 in turn.
MatrixSource::Dense Weighted(const Json& fixture) {
  MatrixSource::Dense out = ToMatrix(fixture);
  for (std::size_t r = 0; r < out.y.size(); ++r) out.weight.push_back(static_cast<double>(r % 4));
  return out;
}

MatrixSource::Dense Repeated(const MatrixSource::Dense& weighted) {
  MatrixSource::Dense out{.features = weighted.features, .x = {}, .y = {}, .weight = {}};
  const auto p = static_cast<std::ptrdiff_t>(weighted.features);
  for (std::size_t r = 0; r < weighted.y.size(); ++r) {
    for (int copy = 0; copy < static_cast<int>(weighted.weight[r]); ++copy) {
      const auto row = weighted.x.begin() + static_cast<std::ptrdiff_t>(r) * p;
      out.x.insert(out.x.end(), row, row + p);
      out.y.push_back(weighted.y[r]);
    }
  }
  return out;
}

template <typename Fit>
void ExpectSameScores(const MatrixSource::Dense& weighted, const Fit& fit, double tolerance) {
  const Result<FitResult> a = fit(MatrixSource(weighted, 50));
  const Result<FitResult> b = fit(MatrixSource(Repeated(weighted), 64));
  ASSERT_TRUE(a.ok()) << a.error().Render();
  ASSERT_TRUE(b.ok()) << b.error().Render();
  const MatrixSource rows(weighted);
  EXPECT_LT(RelativeDifference(PredictAll(*a->predictor, rows), PredictAll(*b->predictor, rows)),
            tolerance);
  // Something was learned: without the weights the answer is another one.
  MatrixSource::Dense plain = weighted;
  plain.weight.clear();
  const Result<FitResult> c = fit(MatrixSource(plain, 50));
  EXPECT_GT(RelativeDifference(PredictAll(*c->predictor, rows), PredictAll(*b->predictor, rows)),
            1e-6);
}

TEST(WeightsEqualRepetition, Linear) {
  const MatrixSource::Dense rows = Weighted(Fixture("regression"));
  for (const bool intercept : {true, false}) {
    ExpectSameScores(
        rows,
        [&](const DataSource& s) {
          return FitLinearRegression(s, {.fit_intercept = intercept}, {});
        },
        1e-12);
    ExpectSameScores(
        rows, [&](const DataSource& s) { return FitRidge(s, {.fit_intercept = intercept}, {}); },
        1e-12);
  }
}

TEST(WeightsEqualRepetition, Logistic) {
  for (const char* name : {"credit", "classes"}) {
    const MatrixSource::Dense rows = Weighted(Fixture(name));
    const int classes = name[1] == 'r' ? 2 : 3;
    for (const auto balance :
         {LogisticOptions::ClassWeight::kNone, LogisticOptions::ClassWeight::kBalanced}) {
      LogisticOptions options;
      options.tol = 1e-11;
      options.class_weight = balance;
      ExpectSameScores(
          rows, [&](const DataSource& s) { return FitLogistic(s, classes, options, {}); }, 1e-8);
    }
  }
}

TEST(WeightsEqualRepetition, Pca) {
  ExpectSameScores(
      Weighted(Fixture("iris")),
      [](const DataSource& s) { return FitPca(s, {.components = 3}, {}); }, 1e-10);
}

// Draws differ between a row and its copies, but the best clustering does not.
TEST(WeightsEqualRepetition, KMeans) {
  const MatrixSource::Dense weighted = Weighted(Fixture("iris"));
  for (const auto init : {KMeansOptions::Init::kPlusPlus, KMeansOptions::Init::kParallel}) {
    const KMeansOptions options{.clusters = 3, .init = init, .tol = 0.0};
    const Result<FitResult> a = FitKMeans(MatrixSource(weighted, 50), options, {});
    const Result<FitResult> b = FitKMeans(MatrixSource(Repeated(weighted), 64), options, {});
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_NEAR(a->certificate.numbers.at("inertia").get<double>(),
                b->certificate.numbers.at("inertia").get<double>(), 1e-9);
  }
}

}  // namespace
}  // namespace dml::learn
