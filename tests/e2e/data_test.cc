#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/e2e/program.h"

// Whole pipelines over data: the happy path, and every kind of bad input with its message.

namespace dml::e2e {
namespace {

// 120 rows, two numeric features, one category, a target that depends on them.
std::string GoodCsv() {
  std::string csv = "x1,x2,color,y\n";
  for (int i = 0; i < 120; ++i) {
    const double x1 = (i * 37 % 101) / 50.0 - 1;
    const double x2 = (i * 53 % 97) / 48.0 - 1;
    const bool red = i % 3 == 0;
    const int noise = i * 7919 % 11 == 0 ? 1 : 0;
    const int y = (x1 + x2 + (red ? 0.4 : -0.2) > 0 ? 1 : 0) ^ noise;
    csv += fmt::format("{},{},{},{}\n", x1, x2, red ? "red" : "blue", y);
  }
  return csv;
}

class Data : public EndToEnd {
 protected:
  void WritePipeline(const std::string& load_with = "") {
    Write("p.yaml",
          "name: small\n"
          "steps:\n"
          "  - id: raw\n    uses: load.csv\n    with: {path: data.csv" +
              load_with +
              "}\n"
              "  - id: split\n    uses: split.train_test\n    input: raw\n"
              "    with: {test_size: 0.25, seed: 1}\n"
              "  - id: model\n    uses: train.logistic_regression\n    input: split.train\n"
              "    with: {target: y, drop: [color]}\n"
              "  - id: eval\n    uses: evaluate.classification\n"
              "    input: {model: model, data: split.test}\n");
  }
  // Runs the pipeline over `csv`, which must fail at `task` with all of `parts` in the message.
  void ExpectFailure(const std::string& csv, const std::string& task,
                     const std::vector<std::string>& parts) {
    Write("data.csv", csv);
    const Finished run = Run({"run", "p.yaml"});
    EXPECT_TRUE(run.code == 1 || run.code == 2) << run.code << run.err;
    EXPECT_EQ(States()[task], "failed") << run.err;
    for (const std::string& part : parts) {
      EXPECT_NE(run.err.find(part), std::string::npos) << "no '" << part << "' in:\n" << run.err;
    }
  }
};

TEST_F(Data, LoadsSplitsTrainsAndEvaluates) {
  WritePipeline();
  Write("data.csv", GoodCsv());
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.out.find("roc_auc"), std::string::npos) << "the verdict is printed:\n" << run.out;
  const Json metrics = RunJson({"metrics"});
  EXPECT_GT(metrics["tasks"]["eval"]["roc_auc"].get<double>(), 0.7);
  const Finished again = Run({"run", "p.yaml"});
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(States(),
            (std::map<std::string, std::string>{
                {"raw", "reused"}, {"split", "reused"}, {"model", "reused"}, {"eval", "reused"}}));
  EXPECT_NE(Run({"metrics", "diff"}).out.find("metrics are equal"), std::string::npos);
}

TEST_F(Data, TheReportHasPlotsAndCertificates) {
  WritePipeline();
  Write("data.csv", GoodCsv());
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_EQ(Run({"report", "-o", "r.html"}).code, 0);
  const std::string html = Read("r.html");
  for (const char* part : {"<svg", "ROC", "onfusion", "train.logistic_regression",
                           "id=\"timeline\"", "id=\"graph\"", "id=\"environment\""}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
}

TEST_F(Data, PredictWorksOnRawRows) {
  WritePipeline();
  Write("data.csv", GoodCsv());
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("new.csv", "color,x2,x1\nred,0.9,0.9\ngreen,-0.9,-0.9\nblue,0,0.1\n");
  const Finished predict = Run({"predict", "model", "new.csv", "-o", "out.csv"});
  ASSERT_EQ(predict.code, 0) << predict.err;
  const std::string out = Read("out.csv");
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4) << out;
  EXPECT_EQ(Run({"predict", "model", "new.csv"}).out, out) << "the same to stdout";
  EXPECT_EQ(Run({"predict", "model", "-"}, {.input = Read("new.csv")}).out, out)
      << "the same from a pipe";
}

TEST_F(Data, PredictNamesAMissingValue) {
  WritePipeline();
  Write("data.csv", GoodCsv());
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("new.csv", "color,x2,x1\nred,0.9,0.9\nblue,,0.1\n");
  const Finished predict = Run({"predict", "model", "new.csv", "-o", "out.csv"});
  EXPECT_EQ(predict.code, 2) << predict.err;
  EXPECT_NE(predict.err.find("the column 'x2' has no value in row 2"), std::string::npos)
      << predict.err;
  EXPECT_FALSE(Exists("out.csv"));
}

TEST_F(Data, PredictNamesAMissingColumn) {
  WritePipeline();
  Write("data.csv", GoodCsv());
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("new.csv", "color,x1\nred,0.9\n");
  const Finished predict = Run({"predict", "model", "new.csv", "-o", "out.csv"});
  EXPECT_EQ(predict.code, 2) << predict.err;
  EXPECT_NE(predict.err.find("x2"), std::string::npos) << predict.err;
  EXPECT_FALSE(Exists("out.csv")) << "nothing half-written";
  EXPECT_EQ(Run({"predict", "modle", "new.csv"}).code, 2);
  EXPECT_EQ(Run({"predict", "model", "nowhere.csv"}).code, 2);
}

TEST_F(Data, MissingFile) {
  WritePipeline();
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 2) << run.err;
  EXPECT_NE(run.err.find("data.csv"), std::string::npos) << run.err;
}

TEST_F(Data, EmptyFile) {
  WritePipeline();
  ExpectFailure("", "raw", {"data.csv", "empty"});
}

TEST_F(Data, HeaderOnly) {
  WritePipeline();
  ExpectFailure("x1,x2,color,y\n", "raw", {"data.csv"});
}

TEST_F(Data, RaggedRow) {
  WritePipeline();
  ExpectFailure(GoodCsv() + "1,2\n", "raw", {"data.csv", "122"});
}

TEST_F(Data, TextInANumericColumn) {
  WritePipeline(", types: {x1: float64}");
  ExpectFailure(GoodCsv() + "oops,0.5,red,1\n", "raw", {"x1", "oops", "122"});
}

TEST_F(Data, TargetMissing) {
  WritePipeline();
  std::string csv = GoodCsv();
  csv.replace(csv.find(",y\n"), 3, ",yy\n");
  ExpectFailure(csv, "model", {"'y'", "did you mean 'yy'"});
}

TEST_F(Data, TargetConstant) {
  WritePipeline();
  std::string csv = "x1,x2,color,y\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("{},{},red,1\n", i * 0.1, 40 - i * 0.3);
  ExpectFailure(csv, "model", {"y"});
}

TEST_F(Data, AllMissingColumn) {
  WritePipeline();
  std::string csv = "x1,x2,color,y\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("{},,red,{}\n", i * 0.1, i % 2);
  ExpectFailure(csv, "model", {"x2"});
}

TEST_F(Data, InfiniteValues) {
  WritePipeline();
  ExpectFailure(GoodCsv() + "inf,0.5,red,1\ninf,0.5,red,0\n-inf,0.1,red,1\ninf,0.2,blue,0\n",
                "model", {"x1", "infin"});
}

TEST_F(Data, AClassWithOneRowCannotBeStratified) {
  WritePipeline();
  std::string pipeline = Read("p.yaml");
  pipeline.replace(pipeline.find("seed: 1"), 7, "seed: 1, stratify: y");
  Write("p.yaml", pipeline);
  std::string csv = GoodCsv();
  ExpectFailure(csv + "0.5,0.5,red,2\n", "split", {"y", "2"});
}

}  // namespace
}  // namespace dml::e2e
