#include "plugins/learn/cluster/kmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/random.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

double Inertia(const Result<FitResult>& fit) {
  return fit->certificate.numbers.at("inertia").get<double>();
}

constexpr KMeansOptions::Init kInits[] = {KMeansOptions::Init::kPlusPlus,
                                          KMeansOptions::Init::kParallel};

// The inertia that the predictions say: labels and distances.
double InertiaOfScores(const Predictor& predictor, const MatrixSource& source) {
  double sum = 0.0;
  const std::vector<double> scores = PredictAll(predictor, source);
  const std::size_t width = predictor.outputs();
  for (std::size_t at = 0; at < scores.size(); at += width) {
    const double d = scores[at + 1 + static_cast<std::size_t>(scores[at])];
    sum += d * d;
  }
  return sum;
}

TEST(KMeans, NoWorseThanTheBestOfTenOfScikitLearn) {
  const std::vector<std::pair<std::string, int>> cases{{"iris", 3}, {"iris", 8}, {"segments", 25}};
  for (const auto& [name, clusters] : cases) {
    const Json fixture = Fixture(name);
    const MatrixSource source(ToMatrix(fixture), 40);
    const double best = fixture.at("kmeans" + std::to_string(clusters)).get<double>();
    for (const auto init : kInits) {
      for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 4U}) {
        const KMeansOptions options{.clusters = clusters, .init = init, .tol = 0.0, .seed = seed};
        const Result<FitResult> fit = FitKMeans(source, options, {});
        ASSERT_TRUE(fit.ok()) << fit.error().Render();
        EXPECT_LE(Inertia(fit), best * (1.0 + 1e-9))
            << name << ", " << clusters << " clusters, init " << static_cast<int>(init);
        EXPECT_NEAR(InertiaOfScores(*fit->predictor, source), Inertia(fit), 1e-8);
      }
    }
  }
}

// Where tol stops the iterations, the centres are no longer the means of the rows that are nearest:
// the inertia is that of the centres that are stored.
TEST(KMeans, TheInertiaIsThatOfTheStoredCentresAlsoWhenTolStops) {
  const MatrixSource source(ToMatrix(Fixture("segments")), 40);
  double exact = 0.0;
  for (const double tol : {0.0, 1e-2, 1.0}) {
    const KMeansOptions options{.clusters = 25, .n_init = 1, .tol = tol};
    const Result<FitResult> fit = FitKMeans(source, options, {});
    ASSERT_TRUE(fit.ok()) << fit.error().Render();
    EXPECT_TRUE(fit->certificate.converged) << tol;
    EXPECT_NEAR(InertiaOfScores(*fit->predictor, source) / Inertia(fit), 1.0, 1e-10) << tol;
    EXPECT_EQ(fit->certificate.objective_history.back(), Inertia(fit)) << tol;
    if (tol == 0.0) exact = Inertia(fit);
  }
  const KMeansOptions coarse{.clusters = 25, .n_init = 1, .tol = 1.0};
  EXPECT_GT(Inertia(FitKMeans(source, coarse, {})), exact) << "tol did stop the iterations";
}

// Ten random starts are a matter of luck where there are many clusters: as good on average, over as
// many seeds.
TEST(KMeans, RandomStartsAreAsGoodAsThoseOfScikitLearn) {
  const auto fit = [](const char* name, int clusters, std::uint64_t seed) {
    const KMeansOptions options{
        .clusters = clusters, .init = KMeansOptions::Init::kRandom, .tol = 0.0, .seed = seed};
    return Inertia(FitKMeans(MatrixSource(ToMatrix(Fixture(name)), 40), options, {}));
  };
  const double three = Fixture("iris").at("random3").get<double>();
  for (const std::uint64_t seed : {0U, 1U, 2U}) EXPECT_NEAR(fit("iris", 3, seed), three, 1e-9);
  double mean = 0.0;
  constexpr std::uint64_t kSeeds = 40;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) mean += fit("segments", 25, seed) / kSeeds;
  const Json fixture = Fixture("segments");
  const double error = fixture.at("random25_std").get<double>() / std::sqrt(double{kSeeds});
  EXPECT_NEAR(mean, fixture.at("random25").get<double>(), 4.0 * std::sqrt(2.0) * error);
}

TEST(KMeans, RandomStartsAreDifferentRowsThatHaveAWeight) {
  MatrixSource::Dense rows;
  rows.features = 2;
  rows.x = {0, 0, 1, 1, 2, 2, 3, 3};
  rows.weight = {1, 0, 2, 1};
  const MatrixSource source(rows);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const KMeansOptions options{
        .clusters = 3, .init = KMeansOptions::Init::kRandom, .n_init = 1, .seed = seed};
    EXPECT_NEAR(Inertia(FitKMeans(source, options, {})), 0.0, 1e-12) << seed;
  }
}

// More rows than kSampleBytes holds, and three of them far away: a sample would hardly hold those.
TEST(KMeans, ParallelInitFindsASmallFarCluster) {
  constexpr std::uint64_t kFeatures = 400;
  MatrixSource::Dense matrix{.features = kFeatures, .x = {}, .y = {}, .weight = {}};
  const Philox random(2, "far cluster");
  for (std::uint64_t r = 0; r < 12'000; ++r) {
    const double far = r % 4'000 == 17 ? 1000.0 : 0.0;
    for (std::uint64_t j = 0; j < kFeatures; ++j) {
      matrix.x.push_back(random.Uniform(r, j) + (j == 0 ? far : 0.0));
    }
  }
  ASSERT_GT(matrix.x.size() * sizeof(double), kSampleBytes);
  const KMeansOptions options{
      .clusters = 4, .init = KMeansOptions::Init::kParallel, .n_init = 2, .seed = 8};
  const Result<FitResult> fit = FitKMeans(MatrixSource(matrix), options, {});
  ASSERT_TRUE(fit.ok()) << fit.error().Render();
  const auto weights = fit->certificate.numbers.at("cluster_weights").get<std::vector<double>>();
  EXPECT_EQ(std::ranges::count(weights, 3.0), 1) << fit->certificate.ToJson();
}

TEST(KMeans, ParallelInitWithFewDistinctRowsLooksAtThemAll) {
  MatrixSource::Dense matrix{.features = 1, .x = {}, .y = {}, .weight = {}};
  for (int i = 0; i < 60; ++i) matrix.x.push_back(i % 4 * 1e6);
  for (const int clusters : {3, 4, 5}) {
    const KMeansOptions options{.clusters = clusters, .init = KMeansOptions::Init::kParallel};
    const Result<FitResult> fit = FitKMeans(MatrixSource(matrix), options, {});
    ASSERT_TRUE(fit.ok()) << fit.error().Render();
    EXPECT_EQ(Inertia(fit) == 0.0, clusters >= 4);
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

// Rows that rounding tells apart from the mean of their equals are not other rows.
TEST(KMeans, MoreClustersThanDifferentRowsConverge) {
  MatrixSource::Dense matrix{.features = 2, .x = {}, .y = {}, .weight = {}};
  for (int i = 0; i < 3000; ++i) {
    const double value = i % 3 == 0 ? 0.1 : i % 3 == 1 ? 1.7 : 123.456;
    matrix.x.insert(matrix.x.end(), {value, value * 0.3});
  }
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Result<FitResult> fit =
        FitKMeans(MatrixSource(matrix), {.clusters = 6, .max_iter = 50, .seed = seed}, {});
    ASSERT_TRUE(fit.ok());
    EXPECT_TRUE(fit->certificate.converged) << fit->certificate.stopped_because;
    EXPECT_LT(fit->certificate.iterations, 10);
    EXPECT_NEAR(Inertia(fit), 0.0, 1e-15);
  }
}

// What the certificate shows of the iterations is the documented objective: it falls, from the
// first assignment on, and ends in the inertia.
TEST(KMeans, ObjectiveHistoryFallsToTheInertia) {
  MatrixSource::Dense matrix = ToMatrix(Fixture("iris"));
  for (std::size_t i = 0; i < matrix.x.size() / matrix.features; ++i) {
    matrix.weight.push_back(0.5 + static_cast<double>(i % 3));
  }
  for (const double offset : {0.0, -40.0}) {
    for (double& value : matrix.x) value += offset;
    const Result<FitResult> fit =
        FitKMeans(MatrixSource(matrix, 40), {.clusters = 8, .n_init = 1}, {});
    ASSERT_TRUE(fit.ok());
    const std::vector<double>& history = fit->certificate.objective_history;
    ASSERT_EQ(history.size(), static_cast<std::size_t>(fit->certificate.iterations) + 1);
    for (std::size_t i = 1; i < history.size(); ++i) {
      EXPECT_LE(history[i], history[i - 1] * (1 + 1e-12)) << i;
    }
    EXPECT_EQ(history.back(), Inertia(fit));
    EXPECT_GT(history.back(), 0.0);
    EXPECT_LT(history.front(), 20 * history.back());
  }
}

TEST(KMeans, WeightsPullTheCentre) {
  const MatrixSource source(
      MatrixSource::Dense{.features = 1, .x = {0, 1, 100}, .y = {}, .weight = {3, 1, 2}});
  const Result<FitResult> fit = FitKMeans(source, {.clusters = 2}, {});
  EXPECT_NEAR(Inertia(fit), 3 * 0.25 * 0.25 + 0.75 * 0.75, 1e-12);
}

}  // namespace
}  // namespace dml::learn
