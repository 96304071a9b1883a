// Whole pipelines with a random forest score as scikit-learn's do: within a point of accuracy or R2
// of its mean over five random states (fixtures/make_forest_fixtures.py), with columns of every
// kind. Data sets whose columns are numbers alone: tests/trees/forest_quality_test.cc.

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

std::string TextOf(const std::string& path) {
  const std::string command = "gzip -dc '" DML_SOURCE_DIR "/" + path + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::vector<char> buffer(1 << 16);
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    text.append(buffer.data(), n);
  }
  return text;
}

std::vector<std::string> LinesOf(const std::string& path) {
  std::vector<std::string> lines;
  std::stringstream in(TextOf(path));
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// A file of rows and what is done with them.
struct Task {
  std::string name;  // in the fixture
  std::string path;
  std::string uses = "load.csv";
  Json load = Json::object();
  Json train = Json::object();
  bool regression = false;
};

class ForestAgreement : public StepLab {
 protected:
  static const Json& Expected(const std::string& name) {
    static const Json all =
        Json::parse(std::ifstream(DML_SOURCE_DIR "/tests/steps/fixtures/forests.json"));
    return all.at(name);
  }

  Artifact Load(const Task& task, const std::vector<std::string>& lines) {
    const std::string path = Path(task.name + ".txt");
    std::ofstream out(path);
    for (const std::string& line : lines) out << line << "\n";
    out.close();
    Json params = task.load;
    params["path"] = path;
    const StepRun run = Run(task.uses, params);
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("data");
  }

  double Score(const Task& task, const Artifact& train, const Artifact& test, int seed) {
    Json params = task.train;
    params["n_estimators"] = 50;
    params["task"] = task.regression ? "regression" : "classification";
    params["seed"] = seed;
    const StepRun model = Run("train.random_forest", params, {{"data", train}}, 2);
    EXPECT_TRUE(model.ok()) << model.Failure();
    const StepRun run = Run(task.regression ? "evaluate.regression" : "evaluate.classification",
                            Json::object(), {{"model", model.outputs.at("model")}, {"data", test}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.metrics.at(task.regression ? "r2" : "accuracy").get<double>();
  }

  // By position modulo 5, each of the folds that the fixture names being tested once.
  void ExpectAsGoodByFold(const Task& task) {
    std::vector<std::string> lines = LinesOf(task.path);
    std::vector<std::string> header;
    if (task.uses == "load.csv" && !task.load.contains("header")) {
      header.push_back(lines.front());
      lines.erase(lines.begin());
    }
    const Json& expected = Expected(task.name);
    ASSERT_EQ(lines.size(), expected.at("rows").get<std::size_t>());
    double sum = 0.0;
    for (const Json& fold : expected.at("folds")) {
      std::vector<std::string> train = header;
      std::vector<std::string> test = header;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        (i % 5 == fold.get<std::size_t>() ? test : train).push_back(lines[i]);
      }
      sum += Score(task, Load(task, train), Load(task, test), fold.get<int>());
    }
    const double score = sum / static_cast<double>(expected.at("folds").size());
    EXPECT_GT(score, expected.at("score").get<double>() - 0.01);
    RecordProperty("score", std::to_string(score));
  }

  void ExpectAsGood(const Task& task, const Artifact& train, const Artifact& test) {
    const double score = Score(task, train, test, 0);
    EXPECT_GT(score, Expected(task.name).at("score").get<double>() - 0.01);
    RecordProperty("score", std::to_string(score));
  }
};

TEST_F(ForestAgreement, Iris) {
  ExpectAsGoodByFold({.name = "iris",
                      .path = "tests/trees/data/iris.data.gz",
                      .load = {{"header", "false"}, {"columns", {"a", "b", "c", "d", "species"}}},
                      .train = {{"target", "species"}}});
}

TEST_F(ForestAgreement, RedWine) {
  ExpectAsGoodByFold({.name = "wine_red",
                      .path = "tests/trees/data/winequality-red.csv.gz",
                      .load = {{"delimiter", ";"}},
                      .train = {{"target", "quality"}},
                      .regression = true});
}

TEST_F(ForestAgreement, BikesByTheDay) {
  const Json left_out = {"instant", "dteday", "casual", "registered"};
  ExpectAsGoodByFold({.name = "bike_day",
                      .path = "tests/trees/data/day.csv.gz",
                      .train = {{"target", "cnt"}, {"drop", left_out}},
                      .regression = true});
}

TEST_F(ForestAgreement, HeartScale) {
  ExpectAsGoodByFold({.name = "heart_scale",
                      .path = "tests/trees/data/heart_scale.gz",
                      .uses = "load.svmlight",
                      .load = {{"features", 13}},
                      .train = {{"target", "label"}}});
}

TEST_F(ForestAgreement, TextMessages) {
  const Json words = {{{"tfidf", {{"columns", {"message"}}, {"min_df", 20}}}}};
  ExpectAsGoodByFold({.name = "sms_spam",
                      .path = "examples/sms_spam/data/sms.tsv.gz",
                      .load = {{"delimiter", "\t"},
                               {"header", "false"},
                               {"quote", "none"},
                               {"columns", {"label", "message"}}},
                      .train = {{"target", "label"}, {"preprocess", words}}});
}

TEST_F(ForestAgreement, RatingsOfMovies) {
  ExpectAsGoodByFold({.name = "movietweetings",
                      .path = "tests/trees/data/ratings.csv.gz",
                      .train = {{"target", "rating"}, {"max_depth", 8}},
                      .regression = true});
}

TEST_F(ForestAgreement, HousingWithItsGaps) {
  const Json preprocess = {{{"impute", {{"columns", {"total_bedrooms"}}, {"strategy", "median"}}}},
                           {{"ordinal", {{"columns", {"ocean_proximity"}}}}}};
  ExpectAsGoodByFold(
      {.name = "california_housing",
       .path = "tests/trees/data/housing.csv.gz",
       .train = {{"target", "median_house_value"}, {"max_depth", 12}, {"preprocess", preprocess}},
       .regression = true});
}

TEST_F(ForestAgreement, IncomeWithItsCategories) {
  Json columns = Json::array();
  for (int c = 0; c < 14; ++c) columns.push_back("c" + std::to_string(c));
  columns.push_back("income");
  const Json preprocess = {{{"ordinal", {{"columns", "categorical"}}}}};
  const Task task{.name = "adult",
                  .path = "examples/income/data/adult.data.gz",
                  .load = {{"header", "false"}, {"trim", true}, {"columns", columns}},
                  .train = {{"target", "income"}, {"max_depth", 12}, {"preprocess", preprocess}}};
  std::vector<std::string> test = LinesOf("examples/income/data/adult.test.gz");
  test.erase(test.begin());                        // a comment
  for (std::string& line : test) line.pop_back();  // a full stop
  const std::vector<std::string> train = LinesOf(task.path);
  ASSERT_EQ(train.size(), Expected("adult").at("rows").get<std::size_t>());
  ASSERT_EQ(test.size(), Expected("adult").at("test_rows").get<std::size_t>());
  ExpectAsGood(task, Load(task, train), Load(task, test));
}

TEST_F(ForestAgreement, DigitsOfOtherWriters) {
  const Task task{.name = "optdigits",
                  .path = "examples/digits/data/optdigits.tra.gz",
                  .load = {{"header", "false"}},
                  .train = {{"target", "column_65"}}};
  ExpectAsGood(task, Load(task, LinesOf(task.path)),
               Load(task, LinesOf("examples/digits/data/optdigits.tes.gz")));
}

}  // namespace
}  // namespace dml::steps
