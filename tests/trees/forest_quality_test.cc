// Forests predict as well as scikit-learn's: within a point of accuracy or R2 of its mean over five
// random states (fixtures/forests.json), on the data of the examples.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
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
  std::vector<std::size_t> only;  // empty: all others
};

struct Rows {
  std::size_t features = 0;
  Numbers x;
  Numbers y;
};

// The parts of a line between commas, without the space after them.
std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> out;
  std::stringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) {
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

bool Wanted(const Columns& columns, std::size_t c) {
  if (!columns.only.empty()) return std::ranges::count(columns.only, c) > 0;
  return std::ranges::count(columns.left_out, c) == 0;
}

// The rows whose position is 4 modulo 5, or the others; the last column is the target.
Rows Read(const std::string& example, const Columns& columns, bool test) {
  const std::string command = "gzip -dc '" DML_SOURCE_DIR "/examples/" + example + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::vector<char> buffer(1 << 16);
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    text.append(buffer.data(), n);
  }
  Rows out;
  std::stringstream lines(text);
  std::string line;
  if (columns.header) std::getline(lines, line);
  for (std::size_t row = 0; std::getline(lines, line); ++row) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || (row % 5 == 4) != test) continue;
    const std::vector<std::string> cells = Cells(line);
    std::size_t features = 0;
    for (std::size_t c = 0; c + 1 < cells.size(); ++c) {
      if (!Wanted(columns, c)) continue;
      out.x.push_back(Number(cells[c]));
      ++features;
    }
    out.features = features;
    out.y.push_back(Number(cells.back()));
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

void ExpectAsGood(const std::string& name, const std::string& example, const Columns& columns) {
  const Json all = Json::parse(std::ifstream(DML_SOURCE_DIR "/tests/trees/fixtures/forests.json"));
  const Json& expected = all.at(name);
  const auto classes = expected.at("classes").get<std::size_t>();
  const Rows train = Read(example, columns, false);
  const Rows test = Read(example, columns, true);
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

TEST(ForestQuality, CreditDefault) {
  ExpectAsGood("credit_default", "credit_risk/data/credit_default.csv.gz",
               {.header = true, .left_out = {0}, .only = {}});
}

TEST(ForestQuality, Digits) { ExpectAsGood("optdigits", "digits/data/optdigits.tra.gz", {}); }

TEST(ForestQuality, Income) {
  ExpectAsGood("adult_numeric", "income/data/adult.data.gz",
               {.header = false, .left_out = {}, .only = {0, 2, 4, 10, 11, 12}});
}

TEST(ForestQuality, BikeDemand) {
  ExpectAsGood("bike_hour", "bike_demand/data/hour.csv.gz",
               {.header = true, .left_out = {0, 1, 14, 15}, .only = {}});
}

}  // namespace
}  // namespace dml::learn
