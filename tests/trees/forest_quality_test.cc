// Forests predict as well as scikit-learn's: within a point of accuracy or R2 of its mean over five
// random states (fixtures/forests.json), on the data of the examples and of data/README.md.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "plugins/learn/tree/tree_fit.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

struct Columns {
  bool header = false;
  std::vector<std::size_t> left_out;
  std::vector<std::size_t> only;           // empty: all others
  std::optional<std::size_t> target = {};  // none: the last
  char delimiter = ',';
};

struct Rows {
  std::size_t features = 0;
  Numbers x;
  Numbers y;
};

// The parts of a line between delimiters, without the space after them.
std::vector<std::string> Cells(const std::string& line, char delimiter) {
  std::vector<std::string> out;
  std::stringstream in(line);
  for (std::string cell; std::getline(in, cell, delimiter);) {
    cell.erase(0, cell.find_first_not_of(' '));
    out.push_back(cell);
  }
  return out;
}

double Number(const std::string& cell) {
  if (cell == ">50K") return 1.0;
  if (cell == "<=50K") return 0.0;
  return std::stod(cell);
}

bool Wanted(const Columns& columns, std::size_t c, std::size_t target) {
  if (c == target) return false;
  if (!columns.only.empty()) return std::ranges::count(columns.only, c) > 0;
  return std::ranges::count(columns.left_out, c) == 0;
}

std::string Unpacked(const std::string& path) {
  const std::string command = "gzip -dc '" DML_SOURCE_DIR "/" + path + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::vector<char> buffer(1 << 16);
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    text.append(buffer.data(), n);
  }
  return text;
}

// Of the rows without a missing value: those whose position is 4 modulo 5, or the others.
Rows Read(const std::string& path, const Columns& columns, bool test) {
  Rows out;
  std::stringstream lines(Unpacked(path));
  std::string line;
  if (columns.header) std::getline(lines, line);
  for (std::size_t row = 0; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const std::vector<std::string> cells = Cells(line, columns.delimiter);
    if (line.empty() || std::ranges::count(cells, "") > 0) continue;
    if ((row++ % 5 == 4) != test) continue;
    const std::size_t target = columns.target.value_or(cells.size() - 1);
    const std::size_t before = out.x.size();
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (Wanted(columns, c, target)) out.x.push_back(Number(cells[c]));
    }
    out.features = out.x.size() - before;
    out.y.push_back(Number(cells[target]));
  }
  return out;
}

double ScoreOf(const Numbers& scores, const Rows& rows, std::size_t classes) {
  if (classes > 0) {
    double right = 0.0;
    for (std::size_t r = 0; r < rows.y.size(); ++r) {
      const auto first = scores.begin() + static_cast<std::ptrdiff_t>(r * classes);
      const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes));
      right += static_cast<double>(best - first) == rows.y[r] ? 1.0 : 0.0;
    }
    return right / static_cast<double>(rows.y.size());
  }
  double mean = 0.0;
  for (const double y : rows.y) mean += y / static_cast<double>(rows.y.size());
  double rest = 0.0;
  double total = 0.0;
  for (std::size_t r = 0; r < rows.y.size(); ++r) {
    rest += (rows.y[r] - scores[r]) * (rows.y[r] - scores[r]);
    total += (rows.y[r] - mean) * (rows.y[r] - mean);
  }
  return 1.0 - rest / total;
}

void ExpectAsGood(const std::string& name, const std::string& path, const Columns& columns) {
  const Json all = Json::parse(std::ifstream(DML_SOURCE_DIR "/tests/trees/fixtures/forests.json"));
  const Json& expected = all.at(name);
  const auto classes = expected.at("classes").get<std::size_t>();
  const Rows train = Read(path, columns, false);
  const Rows test = Read(path, columns, true);
  ASSERT_EQ(train.y.size() + test.y.size(), expected.at("rows").get<std::size_t>());
  ForestOptions options;
  options.n_estimators = 50;
  options.tree.max_depth = 12;
  Execution execution;
  execution.threads = 2;
  const auto fit =
      FitRandomForest(TreeSource(train.features, train.x, train.y), classes, options, execution);
  ASSERT_TRUE(fit.ok()) << fit.error().Render();
  const Numbers scores = PredictAll(*fit->predictor, test.features, test.x);
  EXPECT_GT(ScoreOf(scores, test, classes), expected.at("score").get<double>() - 0.01) << name;
}

double MeanRecall(const Numbers& scores, const Rows& rows) {
  double right[2] = {};
  double all[2] = {};
  for (std::size_t r = 0; r < rows.y.size(); ++r) {
    const auto truth = static_cast<std::size_t>(rows.y[r]);
    all[truth] += 1.0;
    if ((scores[2 * r + 1] > scores[2 * r] ? 1U : 0U) == truth) right[truth] += 1.0;
  }
  return (right[0] / all[0] + right[1] / all[1]) / 2.0;
}

ForestOptions OptionsOf(const Json& json) {
  ForestOptions options;
  options.n_estimators = 50;
  options.tree.max_depth = 12;
  options.tree.ccp_alpha = json.value("ccp_alpha", 0.0);
  if (const Json samples = json.value("max_samples", Json()); !samples.is_null()) {
    options.max_samples = {
        samples.is_number_float() ? MaxSamples::Kind::kShare : MaxSamples::Kind::kCount, samples};
  }
  if (const Json weight = json.value("class_weight", Json()); weight.is_object()) {
    options.tree.class_weight = ClassWeighting::kGiven;
    options.tree.class_weights = {weight.at("0"), weight.at("1")};
  } else if (weight.is_string()) {
    options.tree.class_weight = ClassWeighting::kBalancedSubsample;
  }
  return options;
}

// By the recall of both classes, which weights move most, and the size of the trees.
TEST(ForestQuality, OfOtherOptionsIsThatOfScikitLearn) {
  const Json cases =
      Json::parse(std::ifstream(DML_SOURCE_DIR "/tests/trees/fixtures/forest_options.json"));
  const std::string path = "examples/credit_risk/data/credit_default.csv.gz";
  const Columns columns{.header = true, .left_out = {0}, .only = {}};
  const Rows train = Read(path, columns, false);
  const Rows test = Read(path, columns, true);
  Execution execution;
  execution.threads = 2;
  ASSERT_EQ(cases.size(), 5U);
  for (const Json& c : cases) {
    const ForestOptions options = OptionsOf(c.at("options"));
    const auto fit =
        FitRandomForest(TreeSource(train.features, train.x, train.y), 2, options, execution);
    ASSERT_TRUE(fit.ok()) << fit.error().Render();
    const double recall = MeanRecall(PredictAll(*fit->predictor, test.features, test.x), test);
    EXPECT_NEAR(recall, c.at("balanced_accuracy").get<double>(), 0.01) << c.at("options");
    const double leaves = fit->certificate.numbers.at("leaves").get<double>() / 50;
    EXPECT_NEAR(leaves / c.at("leaves").get<double>(), 1.0, 0.1) << c.at("options");
  }
}

TEST(ForestQuality, CreditDefault) {
  ExpectAsGood("credit_default", "examples/credit_risk/data/credit_default.csv.gz",
               {.header = true, .left_out = {0}, .only = {}});
}

TEST(ForestQuality, Digits) {
  ExpectAsGood("optdigits", "examples/digits/data/optdigits.tra.gz", {});
}

TEST(ForestQuality, Income) {
  ExpectAsGood("adult_numeric", "examples/income/data/adult.data.gz",
               {.header = false, .left_out = {}, .only = {0, 2, 4, 10, 11, 12}});
}

TEST(ForestQuality, BikeDemand) {
  ExpectAsGood("bike_hour", "examples/bike_demand/data/hour.csv.gz",
               {.header = true, .left_out = {0, 1, 14, 15}, .only = {}});
}

TEST(ForestQuality, Wine) {
  ExpectAsGood("wine_white", "tests/trees/data/winequality-white.csv.gz",
               {.header = true, .left_out = {}, .only = {}, .delimiter = ';'});
}

TEST(ForestQuality, Housing) {
  ExpectAsGood("california_housing", "tests/trees/data/housing.csv.gz",
               {.header = true, .left_out = {9}, .only = {}, .target = 8});
}

}  // namespace
}  // namespace dml::learn
