#include "plugins/learn/decomposition/pca.h"

#include <gtest/gtest.h>

#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

const PcaPredictor::Parts& PartsOf(const FitResult& fit) {
  return dynamic_cast<const PcaPredictor&>(*fit.predictor).parts();
}

TEST(Pca, AgreesWithScikitLearn) {
  const Json fixture = Fixture("iris");
  const MatrixSource source(ToMatrix(fixture), 40);
  const Result<FitResult> fit = FitPca(source, {.components = 3}, {});
  ASSERT_TRUE(fit.ok()) << fit.error().Render();
  const PcaPredictor::Parts& parts = PartsOf(*fit);
  EXPECT_LT(RelativeDifference(parts.variance, fixture.at("pca_variance").get<Numbers>()), 1e-10);
  EXPECT_LT(RelativeDifference(parts.variance_ratio, fixture.at("pca_ratio").get<Numbers>()),
            1e-10);
  EXPECT_LT(RelativeDifference(parts.singular_values, fixture.at("pca_singular").get<Numbers>()),
            1e-10);
  const Json& numbers = fit->certificate.numbers;
  EXPECT_EQ(numbers.at("explained_variance_ratio_1"), parts.variance_ratio[0]);
  EXPECT_EQ(numbers.at("explained_variance_ratio_3"), parts.variance_ratio[2]);
  EXPECT_NEAR(numbers.at("explained_variance_ratio_total").get<double>(),
              parts.variance_ratio[0] + parts.variance_ratio[1] + parts.variance_ratio[2], 1e-15);
  EXPECT_NEAR(parts.noise_variance, fixture.at("pca_noise").get<double>(), 1e-10);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto expected = fixture.at("pca_components").at(k).get<Numbers>();
    double dot = 0.0;
    double largest = 0.0;
    for (std::size_t j = 0; j < 4; ++j) {
      const double entry = parts.components[k * 4 + j];
      dot += entry * expected[j];
      if (std::abs(entry) > std::abs(largest)) largest = entry;
    }
    EXPECT_NEAR(std::abs(dot), 1.0, 1e-10);
    EXPECT_GT(largest, 0.0) << "the largest entry of a component is positive";
  }
}

TEST(Pca, WhitensAndCountsByVariance) {
  const Json fixture = Fixture("iris");
  const MatrixSource source(ToMatrix(fixture), 40);
  const Result<FitResult> white = FitPca(source, {.components = 2, .whiten = true}, {});
  Numbers scores = PredictAll(*white->predictor, source);
  scores.resize(10);
  for (double& s : scores) s = std::abs(s);
  Numbers expected;
  for (const Json& row : fixture.at("pca_whitened")) {
    for (const Json& value : row) expected.push_back(value.get<double>());
  }
  EXPECT_LT(RelativeDifference(scores, expected), 1e-9);
  // 92.5 % and 5.3 % of the variance lie in the first two.
  EXPECT_EQ(FitPca(source, {.variance_share = 0.9}, {})->predictor->outputs(), 1U);
  EXPECT_EQ(FitPca(source, {.variance_share = 0.97}, {})->predictor->outputs(), 2U);
  EXPECT_EQ(FitPca(source, {}, {})->predictor->outputs(), 4U);
}

TEST(Pca, SaysWhatIsWrong) {
  const MatrixSource one(MatrixSource::Dense{.features = 2, .x = {1, 2}, .y = {}, .weight = {}});
  EXPECT_EQ(FitPca(one, {}, {}).error().message, "PCA needs at least two rows");
  const MatrixSource two(
      MatrixSource::Dense{.features = 2, .x = {1, 2, 3, 5}, .y = {}, .weight = {}});
  const Result<FitResult> many = FitPca(two, {.components = 3}, {});
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace dml::learn
