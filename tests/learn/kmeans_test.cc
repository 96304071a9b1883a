#include "plugins/learn/cluster/kmeans.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

double Inertia(const Result<FitResult>& fit) {
  return fit->certificate.numbers.at("inertia").get<double>();
}

TEST(KMeans, NoWorseThanTheBestOfTenOfScikitLearn) {
  const Json fixture = Fixture("iris");
  const MatrixSource source(ToMatrix(fixture), 40);
  for (const int clusters : {3, 8}) {
    for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 4U}) {
      const Result<FitResult> fit =
          FitKMeans(source, {.clusters = clusters, .tol = 0.0, .seed = seed}, {});
      ASSERT_TRUE(fit.ok()) << fit.error().Render();
      const double best = fixture.at("kmeans" + std::to_string(clusters)).get<double>();
      EXPECT_LE(Inertia(fit), best * 1.0001) << clusters;
      double sum = 0.0;  // from the predictions: labels and distances
      const std::vector<double> scores = PredictAll(*fit->predictor, source);
      const std::size_t width = fit->predictor->outputs();
      for (std::size_t r = 0; r < 150; ++r) {
        const double d = scores[r * width + 1 + static_cast<std::size_t>(scores[r * width])];
        sum += d * d;
      }
      EXPECT_NEAR(sum, Inertia(fit), 1e-9);
    }
  }
}

TEST(KMeans, DistantOriginDoesNotCancel) {
  MatrixSource::Dense near = ToMatrix(Fixture("iris"));
  MatrixSource::Dense far = near;
  for (double& value : far.x) value += 1048576.0;
  const Result<FitResult> a = FitKMeans(MatrixSource(near), {.clusters = 3, .seed = 5}, {});
  const Result<FitResult> b = FitKMeans(MatrixSource(far), {.clusters = 3, .seed = 5}, {});
  EXPECT_NEAR(Inertia(b) / Inertia(a), 1.0, 1e-7);
}

TEST(KMeans, EmptyClustersAreFilledOrReported) {
  MatrixSource::Dense matrix{.features = 1, .x = {}, .y = {}, .weight = {}};
  for (int i = 0; i < 30; ++i) matrix.x.push_back(i % 3);
  const Result<FitResult> exact = FitKMeans(MatrixSource(matrix), {.clusters = 3}, {});
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(Inertia(exact), 0.0);
  const Result<FitResult> many = FitKMeans(MatrixSource(matrix), {.clusters = 4}, {});
  ASSERT_TRUE(many.ok());
  EXPECT_EQ(Inertia(many), 0.0);
  ASSERT_FALSE(many->certificate.warnings.empty());
  EXPECT_NE(many->certificate.warnings.back().find("1 of 4 clusters are empty"), std::string::npos);
  const Result<FitResult> few = FitKMeans(MatrixSource(matrix), {.clusters = 31}, {});
  ASSERT_FALSE(few.ok());
  EXPECT_EQ(few.error().message, "there are 30 rows for 31 clusters");
}

TEST(KMeans, WeightsPullTheCentre) {
  const MatrixSource source(
      MatrixSource::Dense{.features = 1, .x = {0, 1, 100}, .y = {}, .weight = {3, 1, 2}});
  const Result<FitResult> fit = FitKMeans(source, {.clusters = 2}, {});
  EXPECT_NEAR(Inertia(fit), 3 * 0.25 * 0.25 + 0.75 * 0.75, 1e-12);
}

}  // namespace
}  // namespace dml::learn
