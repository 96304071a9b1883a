#include <gtest/gtest.h>

#include "base/random.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

// The same rows as CSR, which takes the other solver.
MatrixSource AsSparse(const MatrixSource::Dense& matrix) {
  Tile tile;
  tile.rows = matrix.y.size();
  tile.offsets = {0};
  for (std::size_t i = 0; i < matrix.x.size(); ++i) {
    tile.indices.push_back(static_cast<std::int32_t>(i % matrix.features));
    tile.values.push_back(matrix.x[i]);
    if ((i + 1) % matrix.features == 0) {
      tile.offsets.push_back(static_cast<std::int64_t>(tile.values.size()));
    }
  }
  tile.y = matrix.y;
  tile.weight = matrix.weight;
  std::vector<Tile> tiles;
  tiles.push_back(std::move(tile));
  return {std::move(tiles), matrix.features, true};
}

Json Fitted(const Result<FitResult>& fit, std::vector<OwnedTensor>& tensors) {
  Json header;
  fit->predictor->Save(header, tensors);
  return header;
}

std::vector<double> Numbers(const Result<FitResult>& fit) {
  std::vector<OwnedTensor> tensors;
  Fitted(fit, tensors);
  std::vector<double> out;
  for (const OwnedTensor& tensor : tensors) {
    const auto* values = reinterpret_cast<const double*>(tensor.data.data());
    out.insert(out.end(), values, values + tensor.data.size() / sizeof(double));
  }
  return out;
}

std::vector<double> Expected(const Json& fixture, const char* name) {
  std::vector<double> out;
  for (const Json& row : fixture.at(name).at("coef")) {
    for (const Json& value : row) out.push_back(value.get<double>());
  }
  for (const Json& value : fixture.at(name).at("intercept")) out.push_back(value.get<double>());
  return out;
}

LogisticOptions Tight(double c) {
  LogisticOptions out;
  out.c = c;
  out.tol = 1e-11;
  out.max_iter = 2000;
  return out;
}

void ExpectAgreement(const MatrixSource::Dense& matrix, int classes, const LogisticOptions& options,
                     const Json& fixture, const char* name) {
  for (const bool sparse : {false, true}) {
    const MatrixSource source = sparse ? AsSparse(matrix) : MatrixSource(matrix, 64);
    const Result<FitResult> fit = FitLogistic(source, classes, options, {});
    ASSERT_TRUE(fit.ok()) << fit.error().Render();
    EXPECT_TRUE(fit->certificate.converged) << name << fit->certificate.ToJson();
    EXPECT_LT(RelativeDifference(Numbers(fit), Expected(fixture, name)), 1e-6)
        << name << (sparse ? " lbfgs" : " newton");
  }
}

TEST(Logistic, BinaryAgreesWithScikitLearn) {
  const Json fixture = Fixture("credit");
  const MatrixSource::Dense matrix = ToMatrix(fixture);
  ExpectAgreement(matrix, 2, Tight(1.0), fixture, "plain");
  ExpectAgreement(matrix, 2, Tight(10.0), fixture, "C10");
  ExpectAgreement(matrix, 2, Tight(100.0), fixture, "weak");
  LogisticOptions balanced = Tight(0.1);
  balanced.class_weight = LogisticOptions::ClassWeight::kBalanced;
  ExpectAgreement(matrix, 2, balanced, fixture, "balanced");
  LogisticOptions given = Tight(1.0);
  given.class_weight = LogisticOptions::ClassWeight::kGiven;
  given.class_weights = {0.5, 4.0};
  ExpectAgreement(matrix, 2, given, fixture, "given");
  ExpectAgreement(ToMatrix(fixture, true), 2, Tight(0.5), fixture, "weighted");
  LogisticOptions through_zero = Tight(1.0);
  through_zero.fit_intercept = false;
  ExpectAgreement(matrix, 2, through_zero, fixture, "no_intercept");
}

TEST(Logistic, MultinomialAgreesWithScikitLearn) {
  const Json fixture = Fixture("iris");
  ExpectAgreement(ToMatrix(fixture), 3, Tight(1.0), fixture, "multinomial");
  ExpectAgreement(ToMatrix(fixture), 3, Tight(0.01), fixture, "multinomial_strong");
  ExpectAgreement(ToMatrix(fixture), 3, Tight(10.0), fixture, "multinomial_C10");
  LogisticOptions given = Tight(1.0);
  given.class_weight = LogisticOptions::ClassWeight::kGiven;
  given.class_weights = {3.0, 1.0, 0.25};
  ExpectAgreement(ToMatrix(fixture), 3, given, fixture, "multinomial_given");
}

TEST(Logistic, WithoutAPenaltyAgreesWithScikitLearn) {
  LogisticOptions free = Tight(1.0);
  free.penalty = LogisticOptions::Penalty::kNone;
  const Json credit = Fixture("credit");
  ExpectAgreement(ToMatrix(credit), 2, free, credit, "free");
  ExpectAgreement(ToMatrix(credit, true), 2, free, credit, "free_weighted");
  const Json classes = Fixture("classes");
  ExpectAgreement(ToMatrix(classes), 3, free, classes, "free");
  ExpectAgreement(ToMatrix(classes, true), 3, free, classes, "free_weighted");
}

// Many rows: a sample gives the start and the coordinates, but the optimum is that of all rows.
TEST(Logistic, ManyRowsReachTheSameOptimum) {
  MatrixSource::Dense matrix{.features = 3, .x = {}, .y = {}, .weight = {}};
  const Philox random(4, "many rows");
  for (std::uint64_t r = 0; r < 200'000; ++r) {
    double z = -2.0;
    for (std::uint64_t j = 0; j < 3; ++j) {
      const double value = random.Normal(r, j);
      matrix.x.push_back(value * (j == 1 ? 1e4 : 1.0) + 5.0);
      z += value;
    }
    matrix.y.push_back(z + 2.0 * random.Normal(r, 9) > 0.0 ? 1.0 : 0.0);
  }
  for (const auto penalty : {LogisticOptions::Penalty::kL2, LogisticOptions::Penalty::kNone}) {
    LogisticOptions options = Tight(1.0);
    options.tol = 1e-10;
    options.penalty = penalty;
    const Result<FitResult> dense = FitLogistic(MatrixSource(matrix), 2, options, {});
    const Result<FitResult> sparse = FitLogistic(AsSparse(matrix), 2, options, {});
    ASSERT_TRUE(dense.ok() && sparse.ok());
    EXPECT_TRUE(dense->certificate.converged);
    EXPECT_LT(dense->certificate.numbers.at("started_on_rows").get<int>(), 60'000);
    EXPECT_LE(dense->certificate.iterations, 12);
    EXPECT_LT(RelativeDifference(Numbers(dense), Numbers(sparse)), 1e-7);
  }
}

TEST(Logistic, ProbabilitiesSumToOneAndAbsentClassesGetNone) {
  const Json fixture = Fixture("iris");
  const MatrixSource source(ToMatrix(fixture), 64);
  const Result<FitResult> fit = FitLogistic(source, 5, {}, {});
  ASSERT_TRUE(fit.ok());
  const std::vector<double> scores = PredictAll(*fit->predictor, source);
  ASSERT_EQ(scores.size(), 150U * 5U);
  int right = 0;
  const std::vector<double> y = ToMatrix(fixture).y;
  for (std::size_t r = 0; r < 150; ++r) {
    const auto row = std::span(scores).subspan(r * 5, 5);
    EXPECT_NEAR(row[0] + row[1] + row[2], 1.0, 1e-12);
    EXPECT_EQ(row[3] + row[4], 0.0);
    right += std::ranges::max_element(row) - row.begin() == static_cast<std::ptrdiff_t>(y[r]);
  }
  EXPECT_GE(right, 145);
  ASSERT_FALSE(fit->certificate.warnings.empty());
  EXPECT_NE(fit->certificate.warnings.back().find("3 of 5 classes"), std::string::npos);
}

TEST(Logistic, HugeMarginsDoNotOverflow) {
  MatrixSource::Dense matrix{
      .features = 1, .x = {-1e6, -1e5, 1e5, 1e6}, .y = {0, 0, 1, 1}, .weight = {}};
  const Result<FitResult> fit = FitLogistic(MatrixSource(matrix), 2, Tight(1e6), {});
  ASSERT_TRUE(fit.ok());
  for (const double p : PredictAll(*fit->predictor, MatrixSource(matrix))) {
    EXPECT_TRUE(p >= 0.0 && p <= 1.0) << p;
  }
}

TEST(Logistic, SaysWhatIsWrong) {
  MatrixSource::Dense matrix{.features = 1, .x = {1, 2, 3, 4}, .y = {1, 1, 1, 1}, .weight = {}};
  const Result<FitResult> one = FitLogistic(MatrixSource(matrix), 2, {}, {});
  ASSERT_FALSE(one.ok());
  EXPECT_EQ(one.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(one.error().message.find("only one class"), std::string::npos);
  matrix.y[2] = 0.5;
  const Result<FitResult> half = FitLogistic(MatrixSource(matrix), 2, {}, {});
  ASSERT_FALSE(half.ok());
  EXPECT_EQ(half.error().where, "row 2");

  matrix.y = {0, 0, 1, 1};
  LogisticOptions free;
  free.penalty = LogisticOptions::Penalty::kNone;
  const Result<FitResult> separated = FitLogistic(MatrixSource(matrix), 2, free, {});
  ASSERT_TRUE(separated.ok());
  ASSERT_FALSE(separated->certificate.warnings.empty());
  EXPECT_NE(separated->certificate.warnings.back().find("separate the classes perfectly"),
            std::string::npos);
  LogisticOptions hasty = Tight(1.0);
  hasty.max_iter = 1;
  const Result<FitResult> stopped =
      FitLogistic(MatrixSource(ToMatrix(Fixture("credit"))), 2, hasty, {});
  EXPECT_FALSE(stopped->certificate.converged);
  EXPECT_NE(stopped->certificate.warnings[0].find("did not converge"), std::string::npos);
}

}  // namespace
}  // namespace dml::learn
