// Every metric against scikit-learn's figure (tests/metrics/fixtures/make_fixtures.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/metrics/clustering.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/metrics/regression.h"

namespace dml::learn {
namespace {

constexpr double kRelative = 1e-9;

using Numbers = std::vector<double>;

const Json& Fixtures() {
  static const Json all =
      Json::parse(std::ifstream(DML_SOURCE_DIR "/tests/metrics/fixtures/metrics.json"));
  return all;
}

void ExpectClose(const std::string& name, const Score& score, double expected) {
  ASSERT_TRUE(score.defined()) << name << ": " << score.note;
  EXPECT_NEAR(*score.value, expected, kRelative * std::max(1.0, std::fabs(expected))) << name;
}

void ExpectAll(const Json& fixture, ModelTask task, const Predictions& predictions) {
  for (const auto& [name, expected] : fixture.at("expected").items()) {
    const auto scorer = FindScorer(name, task);
    ASSERT_TRUE(scorer.ok()) << scorer.error().Render();
    ExpectClose(name, (*scorer)(predictions), expected.get<double>());
  }
}

// Of any number of classes an evaluation reports the macro and the weighted averages.
void ExpectAverages(const Json& expected, const Predictions& predictions) {
  std::map<std::string, Score> reported;
  for (NamedScore& one : AllScores(ModelTask::kClassification, predictions)) {
    reported.emplace(one.name, std::move(one.score));
  }
  for (const char* figure : {"precision", "recall", "f1"}) {
    for (const char* average : {"_macro", "_weighted"}) {
      const std::string name = std::string(figure) + average;
      ASSERT_TRUE(reported.contains(name)) << predictions.classes << " classes: " << name;
      ExpectClose(name, reported.at(name), expected.at(name).get<double>());
    }
  }
}

void ExpectClassification(const Json& fixture) {
  const auto y = fixture.at("y").get<Numbers>();
  const auto output = fixture.at("output").get<Numbers>();
  const auto weight = fixture.at("weight").get<Numbers>();
  Predictions predictions{y, output, fixture.at("classes").get<std::size_t>(), weight};
  predictions.unseen = fixture.value("unseen", std::size_t{0});
  ASSERT_TRUE(CheckPredictions(predictions).ok());
  ExpectAll(fixture, ModelTask::kClassification, predictions);
  ExpectAverages(fixture.at("expected"), predictions);
  const ConfusionMatrix matrix(predictions);
  const auto counts = fixture.at("confusion").get<Numbers>();
  ASSERT_EQ(counts.size(), matrix.classes() * matrix.classes());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_NEAR(matrix.count(i / matrix.classes(), i % matrix.classes()), counts[i], 1e-9);
  }
}

TEST(MetricFixtures, Classification) {
  for (const Json& fixture : Fixtures().at("classification")) ExpectClassification(fixture);
}

TEST(MetricFixtures, ClassificationOfUnseenClasses) {
  ASSERT_EQ(Fixtures().at("unseen").size(), 3U);
  for (const Json& fixture : Fixtures().at("unseen")) ExpectClassification(fixture);
}

TEST(MetricFixtures, Regression) {
  for (const Json& fixture : Fixtures().at("regression")) {
    const auto y = fixture.at("y").get<Numbers>();
    const auto output = fixture.at("output").get<Numbers>();
    const auto weight = fixture.at("weight").get<Numbers>();
    const Predictions predictions{y, output, 0, weight};
    ExpectAll(fixture, ModelTask::kRegression, predictions);
    const auto expected = fixture.at("quantiles").get<Numbers>();
    const auto quantiles =
        ResidualQuantiles(predictions, fixture.at("probabilities").get<Numbers>());
    ASSERT_EQ(quantiles.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(quantiles[i], expected[i], 1e-9);
  }
}

// The clusters of rows whose labels lie in a list.
auto LabelsOf(const std::vector<std::int32_t>& labels) {
  return [&labels](const Tile& tile, std::span<std::int32_t> out) {
    std::copy_n(labels.begin() + static_cast<std::ptrdiff_t>(tile.first_row), tile.rows,
                out.begin());
  };
}

TEST(MetricFixtures, Clustering) {
  for (const Json& fixture : Fixtures().at("clustering")) {
    const MatrixSource source({fixture.at("features"), fixture.at("x").get<Numbers>(), {}, {}});
    const auto labels = fixture.at("labels").get<std::vector<std::int32_t>>();
    const auto truth = fixture.at("truth").get<std::vector<std::int32_t>>();
    const ClusteredRows clustering{source, fixture.at("clusters"), LabelsOf(labels)};
    const auto summary = SummariseClusters(clustering, {});
    const auto silhouette = Silhouette(clustering, {}, {});
    ASSERT_TRUE(summary.ok() && silhouette.ok());
    LabelCounts counts;
    for (std::size_t i = 0; i < labels.size(); ++i) counts.Add(std::to_string(truth[i]), labels[i]);
    const LabelAgreement agreement = CompareLabels(counts);
    const std::map<std::string, Score> scores{
        {"inertia", Inertia(*summary)},
        {"silhouette", *silhouette},
        {"calinski_harabasz", CalinskiHarabasz(*summary)},
        {"davies_bouldin", DaviesBouldin(*summary)},
        {"adjusted_rand", agreement.adjusted_rand},
        {"normalized_mutual", agreement.normalized_mutual},
        {"homogeneity", agreement.homogeneity},
        {"completeness", agreement.completeness},
        {"v_measure", agreement.v_measure},
    };
    for (const auto& [name, expected] : fixture.at("expected").items()) {
      ExpectClose(name, scores.at(name), expected.get<double>());
    }
  }
}

}  // namespace
}  // namespace dml::learn
