// What the fixtures cannot show: undefined cases, exactness, order, names.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "plugins/learn/matrix_source.h"
#include "plugins/learn/metrics/clustering.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/metrics/probability.h"
#include "plugins/learn/metrics/ranking.h"
#include "plugins/learn/metrics/regression.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

Numbers TwoColumns(const Numbers& p) {
  Numbers columns;
  for (const double value : p) {
    columns.push_back(1.0 - value);
    columns.push_back(value);
  }
  return columns;
}

TEST(Undefined, IsSaidAndNeverNan) {
  const Numbers y{1, 1, 1};
  const Numbers output = TwoColumns({0.2, 0.6, 0.7});
  for (const auto& [name, score] : AllScores(ModelTask::kClassification, {y, output, 2, {}})) {
    if (score.defined()) {
      EXPECT_TRUE(std::isfinite(*score.value)) << name;
    } else {
      EXPECT_FALSE(score.note.empty()) << name;
    }
  }
  EXPECT_FALSE(RocAuc({y, output, 2, {}}).defined());
  EXPECT_FALSE(ConfusionMatrix(Predictions{y, output, 2, {}}).Mcc().defined());
}

TEST(Undefined, NoRowsAtAll) {
  for (const auto& [name, score] : AllScores(ModelTask::kClassification, {{}, {}, 3, {}})) {
    EXPECT_FALSE(score.defined()) << name;
  }
  for (const auto& [name, score] : AllScores(ModelTask::kRegression, {})) {
    EXPECT_FALSE(score.defined()) << name;
    EXPECT_FALSE(score.note.empty()) << name;
  }
}

TEST(Undefined, RowsWithoutWeightAreNoRows) {
  const Numbers y{1, 2};
  const Numbers f{1, 3};
  const Numbers weight{0, 0};
  for (const auto& [name, score] : AllScores(ModelTask::kRegression, {y, f, 0, weight})) {
    EXPECT_FALSE(score.defined()) << name;
    EXPECT_FALSE(score.note.empty()) << name;
  }
}

TEST(Undefined, ConstantTargetHasNoR2) {
  const Numbers y{0.1, 0.1, 0.1};
  const Numbers f{0.1, 0.2, 0.3};
  EXPECT_FALSE(R2({y, f, 0, {}}).defined());
  EXPECT_FALSE(ExplainedVariance({y, f, 0, {}}).defined());
}

TEST(Undefined, AClassWithoutPredictionsIsMentioned) {
  const ConfusionMatrix matrix(2, {5, 0, 3, 0});
  EXPECT_FALSE(matrix.Precision(1).defined());
  const Score macro = Averaged(matrix, ClassMetric::kPrecision, Average::kMacro);
  EXPECT_DOUBLE_EQ(*macro.value, 0.5 * 5 / 8);
  EXPECT_NE(macro.note.find("Class 1 is never predicted"), std::string::npos);
}

TEST(Undefined, WhatDividesByZeroCountsAsZeroAndSaysSo) {
  const Numbers y{0, 0, 1};
  const Numbers output = TwoColumns({0.1, 0.2, 0.3});
  const std::vector<std::string> names{"no", "yes"};
  const Predictions never{y, output, 2, {}, names};
  const auto score = [](const char* name, const Predictions& predictions) {
    return (*FindScorer(name, ModelTask::kClassification))(predictions);
  };
  EXPECT_EQ(score("precision", never).value, 0.0);
  EXPECT_EQ(score("precision", never).note, "Class 'yes' is never predicted. It counts as 0.");
  EXPECT_EQ(score("matthews_corrcoef", never).value, 0.0);
  EXPECT_NE(score("matthews_corrcoef", never).note, "");
  const Numbers only_no{0, 0, 0};
  const Predictions absent{only_no, output, 2, {}, names};
  EXPECT_EQ(score("recall", absent).value, 0.0);
  EXPECT_EQ(score("recall", absent).note, "Class 'yes' does not occur. It counts as 0.");
  EXPECT_EQ(score("f1", absent).value, 0.0);
  EXPECT_FALSE(score("roc_auc", absent).defined());
  EXPECT_EQ(score("average_precision", absent).note, "Class 'yes' does not occur.");
}

TEST(Undefined, ClassesAreCalledByTheirNames) {
  const Numbers y{0, 2, 2};
  const Numbers output{.8, .1, .1, .8, .1, .1, .1, .1, .8};
  const std::vector<std::string> names{"3", "5", "8"};
  const Predictions predictions{y, output, 3, {}, names};
  const auto score = FindScorer("roc_auc", ModelTask::kClassification);
  EXPECT_EQ((*score)(predictions).note, "Class '5' does not occur and is left out.");
  const Numbers first{.8, .1, .1, .8, .1, .1, .8, .1, .1};
  const ConfusionMatrix matrix(Predictions{y, first, 3, {}, names});
  EXPECT_EQ(Averaged(matrix, ClassMetric::kPrecision, Average::kMacro).note,
            "Class '8' is never predicted. It counts as 0.");
}

TEST(Undefined, ManyClassesAreCountedAndNotListed) {
  constexpr std::size_t kClasses = 200;
  std::vector<double> counts(kClasses * kClasses);
  for (std::size_t truth = 0; truth < kClasses; ++truth) counts[truth * kClasses + 7] = 1;
  const ConfusionMatrix matrix(kClasses, counts);
  EXPECT_EQ(Averaged(matrix, ClassMetric::kPrecision, Average::kMacro).note,
            "Class 0 is never predicted. It counts as 0. So do 198 more classes.");
  const ConfusionMatrix three(3, {1, 0, 0, 1, 0, 0, 1, 0, 0});
  EXPECT_EQ(Averaged(three, ClassMetric::kPrecision, Average::kMacro).note,
            "Class 1 is never predicted. It counts as 0. So does 1 more class.");
}

TEST(Weights, EqualRepetition) {
  const Numbers y{0, 1, 1, 0};
  const Numbers p{0.1, 0.4, 0.35, 0.8};
  const Numbers weight{1, 2, 3, 0};
  const Numbers repeated_y{0, 1, 1, 1, 1, 1};
  const Numbers repeated_p{0.1, 0.4, 0.4, 0.35, 0.35, 0.35};
  const Numbers a = TwoColumns(p);
  const Numbers b = TwoColumns(repeated_p);
  const auto weighted = AllScores(ModelTask::kClassification, {y, a, 2, weight});
  const auto repeated = AllScores(ModelTask::kClassification, {repeated_y, b, 2, {}});
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    ASSERT_EQ(weighted[i].score.defined(), repeated[i].score.defined()) << weighted[i].name;
    if (!weighted[i].score.defined()) continue;
    EXPECT_NEAR(*weighted[i].score.value, *repeated[i].score.value, 1e-14) << weighted[i].name;
  }
  const auto of_p = AllScores(ModelTask::kRegression, {y, p, 0, weight});
  const auto of_repeated = AllScores(ModelTask::kRegression, {repeated_y, repeated_p, 0, {}});
  for (std::size_t i = 0; i < of_p.size(); ++i) {
    EXPECT_NEAR(*of_p[i].score.value, *of_repeated[i].score.value, 1e-14) << of_p[i].name;
  }
}

TEST(Ranking, DoesNotDependOnTheOrderOfRows) {
  const Numbers y{0, 1, 0, 1, 1, 0, 1, 0};
  const Numbers p{0.5, 0.5, 0.25, 0.75, 0.5, 0.5, 0.25, 0.125};
  const Numbers columns = TwoColumns(p);
  Numbers y_back(y.rbegin(), y.rend());
  Numbers p_back(p.rbegin(), p.rend());
  const Numbers columns_back = TwoColumns(p_back);
  const Ranking there(Predictions{y, columns, 2, {}}, 1);
  const Ranking back(Predictions{y_back, columns_back, 2, {}}, 1);
  EXPECT_EQ(*there.RocAuc().value, *back.RocAuc().value);
  // 4 x 4 pairs counted by hand: 9 won, 5 tied, 2 lost.
  EXPECT_EQ(*there.RocAuc().value, (9.0 + 0.5 * 5.0) / 16.0);
  EXPECT_EQ(there.PositivesWithin(0.5), back.PositivesWithin(0.5));
}

TEST(Ranking, ThresholdTableByHand) {
  // Ten rows, the three best are positive, and one of the rest.
  const Numbers y{1, 1, 1, 0, 0, 0, 0, 1, 0, 0};
  const Numbers columns = TwoColumns({.99, .9, .8, .7, .6, .5, .4, .3, .2, .1});
  const Ranking ranking(Predictions{y, columns, 2, {}}, 1);
  const auto table = ThresholdTable(ranking, 5);
  ASSERT_EQ(table.size(), 5U);
  EXPECT_DOUBLE_EQ(table[0].gain, 0.5);
  EXPECT_DOUBLE_EQ(table[0].lift, 2.5);
  EXPECT_DOUBLE_EQ(table[0].threshold, 0.9);
  EXPECT_DOUBLE_EQ(table[1].positive_rate, 0.5);
  EXPECT_DOUBLE_EQ(table[4].gain, 1.0);
  EXPECT_DOUBLE_EQ(table[4].lift, 1.0);
}

TEST(Ranking, CurvesKeepTheirEndsWhenThinned) {
  Numbers y;
  Numbers p;
  for (int i = 0; i < 5000; ++i) {
    y.push_back(i % 3 == 0 ? 1 : 0);
    p.push_back((i * 7919 % 5000) / 5000.0);
  }
  const Numbers columns = TwoColumns(p);
  const Ranking ranking(Predictions{y, columns, 2, {}}, 1);
  const Curve roc = RocCurve(ranking, 50);
  EXPECT_LE(roc.x.size(), 51U);
  EXPECT_GE(roc.x.size(), 45U);
  EXPECT_EQ(roc.x.front(), 0.0);
  EXPECT_EQ(roc.y.back(), 1.0);
  EXPECT_TRUE(std::ranges::is_sorted(roc.y));
  EXPECT_EQ(PrecisionRecallCurve(ranking, 50).x.back(), 1.0);
}

class TwoClusters : public ::testing::Test {
 protected:
  static constexpr int kRows = 9'000;

  TwoClusters() : source_(Matrix()) {}
  static MatrixSource::Dense Matrix() {
    MatrixSource::Dense matrix;
    matrix.features = 2;
    for (int i = 0; i < kRows; ++i) {
      matrix.x.push_back(1e6 + (i % 2) * 10.0 + (i * 31 % 100) / 50.0);
      matrix.x.push_back((i * 17 % 1001) / 500.0);
    }
    return matrix;
  }
  static Execution Threads(int threads) {
    Execution execution;
    execution.threads = threads;
    return execution;
  }

  const MatrixSource source_;
  const ClusteredRows clustering_{source_, 3, [](const Tile& tile, std::span<std::int32_t> out) {
                                    for (std::size_t i = 0; i < tile.rows; ++i) {
                                      out[i] = static_cast<std::int32_t>((tile.first_row + i) % 2);
                                    }
                                  }};
};

TEST_F(TwoClusters, ASampleOfTheSilhouetteIsDeterministicAndSaid) {
  const Score exact = *Silhouette(clustering_, {kRows, 0, 0}, Threads(2));
  const Score sampled = *Silhouette(clustering_, {500, 0, 0}, Threads(1));
  EXPECT_TRUE(exact.note.empty());
  EXPECT_NE(sampled.note.find("500 of the 9000"), std::string::npos);
  EXPECT_NEAR(*exact.value, *sampled.value, 0.01);
  EXPECT_NE(*Silhouette(clustering_, {500, 1, 0}, Threads(1))->value, *sampled.value);
  for (const int threads : {2, 3, 7}) {
    EXPECT_EQ(*Silhouette(clustering_, {500, 0, 0}, Threads(threads))->value, *sampled.value);
  }
}

TEST_F(TwoClusters, ASampleBeyondTheMemoryIsRefused) {
  const auto silhouette = Silhouette(clustering_, {9'000, 0, 64 << 10}, Threads(1));
  ASSERT_FALSE(silhouette.ok());
  EXPECT_EQ(silhouette.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(silhouette.error().message.find("9000 rows of 2 features"), std::string::npos)
      << silhouette.error().Render();
  EXPECT_NE(silhouette.error().hint.find("silhouette_rows"), std::string::npos);
}

// Against sums over all rows at once, one cluster being empty, and far from the origin.
TEST_F(TwoClusters, FiguresOfManyTilesAreThoseOfAllRows) {
  const MatrixSource::Dense matrix = Matrix();
  std::vector<double> mean(4);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      mean[i % 2 * 2 + j] += (matrix.x[i * 2 + j] - 1e6 * (j == 0)) / (kRows / 2.0);
    }
  }
  double inertia = 0.0;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      const double apart = matrix.x[i * 2 + j] - 1e6 * (j == 0) - mean[i % 2 * 2 + j];
      inertia += apart * apart;
    }
  }
  const auto one = SummariseClusters(clustering_, Threads(1));
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->size, (Numbers{kRows / 2.0, kRows / 2.0, 0}));
  EXPECT_NEAR(*Inertia(*one).value, inertia, 1e-6 * inertia);
  for (const int threads : {2, 3, 7}) {
    const auto many = SummariseClusters(clustering_, Threads(threads));
    ASSERT_TRUE(many.ok());
    EXPECT_EQ(many->mean, one->mean);
    EXPECT_EQ(many->squares, one->squares);
    EXPECT_EQ(many->distances, one->distances);
  }
}

TEST(Registry, NamesOfScikitLearn) {
  const auto negated = FindScorer("neg_root_mean_squared_error", ModelTask::kRegression);
  ASSERT_TRUE(negated.ok());
  EXPECT_TRUE(negated->greater_is_better());
  const Numbers y{1, 2};
  const Numbers f{2, 4};
  EXPECT_DOUBLE_EQ(*(*negated)({y, f, 0, {}}).value, -std::sqrt(2.5));
  EXPECT_FALSE(FindScorer("rmse", ModelTask::kRegression)->greater_is_better());
}

TEST(Registry, UnknownNamesGetASuggestion) {
  const auto typo = FindScorer("roc_acu", ModelTask::kClassification);
  ASSERT_FALSE(typo.ok());
  EXPECT_NE(typo.error().hint.find("roc_auc"), std::string::npos);
  const auto other = FindScorer("r2", ModelTask::kClassification);
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().message.find("regression"), std::string::npos);
  EXPECT_FALSE(FindScorer("", ModelTask::kClassification).ok());
}

TEST(CheckPredictions, NamesTheRow) {
  const Numbers y{0, 2};
  const Numbers output{0.5, 0.5, 0.5, 0.5};
  const auto bad = CheckPredictions({y, output, 2, {}});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().where, "row 2");
  EXPECT_FALSE(CheckPredictions({y, y, 2, {}}).ok());
}

}  // namespace
}  // namespace dml::learn
