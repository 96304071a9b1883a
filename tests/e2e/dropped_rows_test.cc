#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/e2e/program.h"

// Rows that a model's own preprocessing drops: in a run, its metrics and its report, and in
// `dml predict`.

namespace dml::e2e {
namespace {

class DroppedRows : public EndToEnd {
 protected:
  DroppedRows() {
    std::string csv = "age,income,y\n";
    for (int i = 0; i < 200; ++i) {
      const int age = 10 + i % 50;
      const std::string income = i % 7 == 0 ? "" : std::to_string(100 + i * 37 % 101);
      csv += fmt::format("{},{},{}\n", age, income, age + i * 53 % 97);
    }
    Write("data.csv", csv);
  }
  // Trains on all rows and evaluates, predicts on them.
  void WritePipeline(const std::string& rules) {
    Write("p.yaml",
          "steps:\n"
          "  - id: raw\n    uses: load.csv\n    with: {path: data.csv}\n"
          "  - id: model\n    uses: train.ridge\n    input: raw\n    with:\n"
          "      target: y\n      validate: {folds: 3}\n      preprocess:\n" +
              rules +
              "  - id: eval\n    uses: evaluate.regression\n    input: {model: model, data: raw}\n"
              "  - id: scored\n    uses: predict\n    input: {model: model, data: raw}\n");
  }
};

TEST_F(DroppedRows, AreCountedAndHaveNoPrediction) {
  WritePipeline("        - drop_missing\n        - filter: {where: age >= 18}\n");
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  const std::string share = "drops 56 of 200 rows (29 by drop_missing, 27 by filter)";
  EXPECT_NE(run.err.find("preprocess " + share + ": the model is fitted to the other 144"),
            std::string::npos)
      << run.err;
  EXPECT_NE(run.err.find("the preprocessing of the model " + share), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("56 of 200 rows have no prediction"), std::string::npos) << run.err;
  const std::string metrics = Run({"metrics"}).out;
  EXPECT_NE(metrics.find("dropped"), std::string::npos) << metrics;
  ASSERT_EQ(Run({"report", "-o", "report.html"}).code, 0);
  EXPECT_NE(Read("report.html").find(share), std::string::npos);

  const Finished predict =
      Run({"predict", "model", "-"}, {.input = "income,age\n120,40\n,41\n130,17\n140,18\n"});
  ASSERT_EQ(predict.code, 0) << predict.err;
  std::istringstream lines(predict.out);
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  ASSERT_EQ(rows.size(), 5U) << predict.out;
  EXPECT_EQ(rows[0], "income,age,prediction");
  EXPECT_EQ(rows[1].rfind("120,40,", 0), 0U);
  EXPECT_GT(rows[1].size(), std::string("120,40,").size());
  EXPECT_EQ(rows[2], ",41,");
  EXPECT_EQ(rows[3], "130,17,");
  EXPECT_GT(rows[4].size(), std::string("140,18,").size());
  EXPECT_NE(predict.err.find("2 of 4 rows have no prediction: the preprocessing of the model drops "
                             "them (1 by drop_missing, 1 by filter)"),
            std::string::npos)
      << predict.err;
}

TEST_F(DroppedRows, MistakesAreInvalidInput) {
  const auto failure = [&](const std::string& rules) {
    WritePipeline(rules);
    const Finished run = Run({"run", "p.yaml"});
    EXPECT_EQ(run.code, 2) << run.err;
    return run.err;
  };
  const std::string unknown = failure("        - filter: {where: agee >= 18}\n");
  EXPECT_NE(unknown.find("p.yaml:12:27: error: there is no column 'agee' among the features"),
            std::string::npos)
      << unknown;
  EXPECT_NE(unknown.find("did you mean 'age'?"), std::string::npos) << unknown;
  const std::string column = failure("        - drop_missing: {columns: [incom]}\n");
  EXPECT_NE(column.find("p.yaml:12:36: error: there is no column 'incom' among the features"),
            std::string::npos)
      << column;
  const std::string target = failure("        - filter: {where: age >= 18 AND y < 90}\n");
  EXPECT_NE(target.find("p.yaml:12:41: error: 'y' is the target, and preprocess sees the features "
                        "only"),
            std::string::npos)
      << target;
  const std::string none = failure("        - filter: {where: age > 100}\n");
  EXPECT_NE(none.find("'filter' in preprocess drops every row that is there, 200 in all"),
            std::string::npos)
      << none;
}

}  // namespace
}  // namespace dml::e2e
