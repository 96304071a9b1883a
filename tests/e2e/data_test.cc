#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "tests/e2e/leavings.h"
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
  // Runs the pipeline over `csv`. It must fail at `task`, as invalid input, which is not tried
  // again, in exactly these words, and leave nothing half-made.
  void ExpectFailure(const std::string& csv, const std::string& task, const std::string& words) {
    Write("data.csv", csv);
    const Finished run = Run({"run", "p.yaml"});
    EXPECT_EQ(run.code, 2) << run.err;
    EXPECT_EQ(States()[task], "failed") << run.err;
    EXPECT_NE(run.err.find("\nfailed: " + task + "\n  " + words + "\n"), std::string::npos)
        << run.err;
    EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
  }
  // What is in the test's folder and not hidden.
  [[nodiscard]] std::set<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Path("."))) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with('.')) names.insert(name);
    }
    return names;
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

TEST_F(Data, PredictionsOfARowDoNotDependOnTheRowsBesideIt) {
  WritePipeline();
  std::string pipeline = Read("p.yaml");
  pipeline.replace(pipeline.find("drop: [color]"), 13,
                   "preprocess: [one_hot: {columns: [size, code], handle_unknown: ignore}]");
  Write("p.yaml", pipeline);
  const std::vector<std::string> sizes{"1.50", "2.0", "TRUE", "big"};
  std::string csv = "size,code,y\n";
  for (int i = 0; i < 160; ++i) {
    const auto size = static_cast<std::size_t>(i % 4);
    csv += fmt::format("{},{},{}\n", sizes[size], i / 4 % 2, (i % 4 == 0) != (i % 13 == 0));
  }
  Write("data.csv", csv);
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  const auto predict = [&](const std::string& rows, const std::vector<std::string>& with = {}) {
    std::vector<std::string> command{"predict", "model", "-"};
    command.insert(command.end(), with.begin(), with.end());
    const Finished done = Run(command, {.input = "size,code\n" + rows});
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out.substr(done.out.find('\n') + 1);
  };
  std::string rows;
  std::string alone;
  for (const char* row : {"1.50,1\n", "2.0,1\n", "TRUE,0\n", "big,1\n", "3.0,0\n", "big,true\n",
                          "big,2020-01-01\n"}) {
    rows += row;
    alone += predict(row);
  }
  EXPECT_EQ(alone, predict(rows));
  EXPECT_EQ(alone.substr(0, 5), "1.50,") << alone;
  EXPECT_NE(predict("1.50,1\n").substr(5), predict("3.00,1\n").substr(5)) << "a known category";
  EXPECT_NE(predict("1.50,1\n"), predict("1.50,1\n", {"-w", "types={size: float64}"}));
}

// Each type, alone and beside others, and a value that is none of its type.
TEST_F(Data, PredictReadsEveryColumnAsTheTypeOfTraining) {
  WritePipeline();
  std::string pipeline = Read("p.yaml");
  pipeline.replace(pipeline.find("drop: [color]"), 13,
                   "preprocess: [one_hot: {columns: [size], handle_unknown: ignore}, "
                   "date_parts: {columns: [day], parts: [weekday]}]");
  Write("p.yaml", pipeline);
  std::string csv = "size,open,day,share,count,y\n";
  for (int i = 0; i < 160; ++i) {
    csv +=
        fmt::format("{},{},2020-0{}-1{},{},{},{}\n", i % 2 == 0 ? "10" : "XL", i % 3 == 0,
                    1 + i % 9, i % 7, (i * 37 % 101) / 50.0, i % 11, (i % 3 == 0) != (i % 13 == 0));
  }
  Write("data.csv", csv);
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  const auto predict = [&](const std::string& rows) {
    return Run({"predict", "model", "-"}, {.input = "size,open,day,share,count\n" + rows});
  };
  const auto predicted = [&](const std::string& rows) {
    const Finished done = predict(rows);
    EXPECT_EQ(done.code, 0) << rows << done.err;
    return done.out.substr(done.out.find('\n') + 1);
  };
  std::string rows;
  std::string alone;
  for (const char* row : {"10,true,2020-01-05,1,2\n", "XL,1,2020-01-05T12:00:00,0.5,3\n",
                          "10,0,2020-02-01,-1e-3,1e1\n", "10.0,FALSE,2020-02-01 08:30,2,7.0\n"}) {
    rows += row;
    alone += predicted(row);
  }
  const auto verdicts = [](const std::string& lines) {
    std::string out;
    std::istringstream each(lines);
    for (std::string line; std::getline(each, line);) {
      std::size_t at = 0;
      for (int comma = 0; comma < 5; ++comma) at = line.find(',', at) + 1;
      out += line.substr(at) + '\n';
    }
    return out;
  };
  EXPECT_EQ(verdicts(alone), verdicts(predicted(rows)));
  const auto refuses = [&](const std::string& row, const std::string& words) {
    for (const std::string& before : {std::string(), std::string("10,true,2020-01-05,1,2\n")}) {
      const Finished done = predict(before + row);
      EXPECT_EQ(done.code, 2) << done.err;
      EXPECT_NE(done.err.find(words), std::string::npos) << words << "\n" << done.err;
      const std::string number = fmt::format("row {} is", before.empty() ? 1 : 2);
      EXPECT_NE(done.err.find(number), std::string::npos) << done.err;
    }
  };
  refuses("10,maybe,2020-01-05,1,2\n", "the column 'open' was bool in training");
  refuses("10,2,2020-01-05,1,2\n", "the column 'open' was bool in training");
  refuses("10,true,20200105,1,2\n", "the column 'day' was timestamp in training");
  refuses("10,true,soon,1,2\n", "the column 'day' was timestamp in training");
  refuses("10,true,2020-01-05,much,2\n", "the column 'share' was float64 in training");
  refuses("10,true,2020-01-05,1,true\n", "the column 'count' was int64 in training");
  refuses("10,true,2020-01-05,1,2020-01-01\n", "the column 'count' was int64 in training");
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
  Write("out.csv", "of before\n");
  const std::set<std::string> files = Files();
  const Finished predict = Run({"predict", "model", "new.csv", "-o", "out.csv"});
  EXPECT_EQ(predict.code, 2) << predict.err;
  EXPECT_NE(predict.err.find("x2"), std::string::npos) << predict.err;
  EXPECT_EQ(Read("out.csv"), "of before\n") << "nothing half-written";
  EXPECT_EQ(Files(), files);
  EXPECT_EQ(Run({"predict", "modle", "new.csv"}).code, 2);
  EXPECT_EQ(Run({"predict", "model", "nowhere.csv"}).code, 2);
}

TEST_F(Data, MissingFile) {
  WritePipeline();
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 2) << run.err;
  EXPECT_NE(run.err.find("data.csv"), std::string::npos) << run.err;
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

// The file of before stays, and nothing else appears beside it, until all of the new one is there.
TEST_F(Data, AWriteStepThatFailsLeavesTheFileAsItWas) {
  const auto write = [&](const std::string& path) {
    Write("w.yaml",
          "name: w\nsteps:\n"
          "  - {id: rows, uses: generate.regression, with: {n_samples: 150000, n_features: 3, "
          "seed: 1}}\n"
          "  - {id: out, uses: write.csv, input: rows, with: {path: " +
              path + "}, retry: {limit: 0, backoff: 1ms, max_interval: 1ms}}\n");
  };
  Write("out.csv", "of before\n");
  write("out.csv");
  const std::set<std::string> files = Files();
  StartOptions small;
  small.file_size_max = 10'240'000;  // the text has eleven million bytes
  const Finished full = Run({"run", "w.yaml"}, small);
  EXPECT_EQ(full.code, 3) << full.err;
  EXPECT_NE(full.err.find("\nfailed: out after 4 attempts\n  cannot write '" + Path("out.csv") +
                          "': File too large; 4 attempts were lost, and "
                          "retry.infrastructure_limit is 3: `dml resume` tries as often again\n"),
            std::string::npos)
      << full.err;
  EXPECT_EQ(Read("out.csv"), "of before\n");
  EXPECT_EQ(Files(), files);
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
  std::filesystem::create_directory(Path("folder"));
  write("folder");
  const Finished folder = Run({"run", "w.yaml"});
  EXPECT_EQ(folder.code, 2) << folder.err;
  EXPECT_NE(folder.err.find("\nfailed: out\n  w.yaml:4:5: '" + Path("folder") +
                            "' is a folder, not a file; name a file in it\n"),
            std::string::npos)
      << folder.err;
  EXPECT_TRUE(std::filesystem::is_empty(Path("folder")));
  write("out.csv");
  ASSERT_EQ(Run({"run", "w.yaml"}).code, 0);
  const std::string text = Read("out.csv");
  EXPECT_EQ(std::ranges::count(text, '\n'), 150'001);
}

TEST_F(Data, EmptyFile) {
  WritePipeline();
  ExpectFailure("", "raw", "p.yaml:3:5: '" + Path("data.csv") + "' is empty");
}

TEST_F(Data, HeaderOnly) {
  WritePipeline();
  ExpectFailure("x1,x2,color,y\n", "raw",
                "p.yaml:3:5: '" + Path("data.csv") +
                    "' has a header but no rows; check the file and the options header and "
                    "skip_rows");
}

TEST_F(Data, RaggedRow) {
  WritePipeline();
  ExpectFailure(GoodCsv() + "1,2\n", "raw",
                Path("data.csv") +
                    ":122: row 121 has 2 fields instead of 4; complete it, or set ragged: pad to "
                    "fill with missing values");
}

TEST_F(Data, TextInANumericColumn) {
  WritePipeline(", types: {x1: float64}");
  ExpectFailure(GoodCsv() + "oops,0.5,red,1\n", "raw",
                Path("data.csv") +
                    ":122: row 121, column 'x1' holds 'oops', which is not float64; mend the cell, "
                    "list it in null_values, or declare another type for the column");
}

// Undeclared, the column is text; which cell made it that is said before a model complains.
TEST_F(Data, AWordAmongNumbersIsNamedWhereTheTypesAreInferred) {
  WritePipeline();
  Write("data.csv", GoodCsv() + "oops,0.5,red,1\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_NE(run.code, 0);
  EXPECT_NE(run.err.find("All but 1 of 121 values of 'x1' are numbers, so that it is text: line "
                         "122 holds 'oops'."),
            std::string::npos)
      << run.err;
}

TEST_F(Data, TargetMissing) {
  WritePipeline();
  std::string csv = GoodCsv();
  csv.replace(csv.find(",y\n"), 3, ",yy\n");
  Write("data.csv", csv);
  for (const char* command : {"run", "plan"}) {
    const Finished run = Run({command, "p.yaml"});
    EXPECT_EQ(run.code, 2) << run.err;
    EXPECT_NE(run.err.find("p.yaml:13:20: error: there is no column 'y' in the data of step "
                           "'model'\n"),
              std::string::npos)
        << run.err;
    EXPECT_NE(run.err.find("did you mean 'yy'?; the columns are: x1, x2, color, yy\n"),
              std::string::npos)
        << run.err;
    EXPECT_FALSE(std::filesystem::exists(Path(".dml/dml.db"))) << "nothing has run";
  }
  EXPECT_EQ(Run({"validate", "p.yaml"}).code, 0) << "it opens no data";
}

TEST_F(Data, TargetConstant) {
  WritePipeline();
  std::string csv = "x1,x2,color,y\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("{},{},red,1\n", i * 0.1, 40 - i * 0.3);
  ExpectFailure(csv, "model",
                "p.yaml:13:20: the target 'y' has 1 class (every row is '1'), and at least 2 are "
                "needed; check "
                "the column, and the filters and splits before this step");
}

TEST_F(Data, AllMissingColumn) {
  WritePipeline();
  std::string csv = "x1,x2,color,y\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("{},,red,{}\n", i * 0.1, i % 2);
  ExpectFailure(
      csv, "model",
      "p.yaml:10:5: the column 'x2' has no value in any row; leave it out with drop: [x2], or look "
      "whether it was loaded as it should be");
}

TEST_F(Data, InfiniteValues) {
  WritePipeline();
  ExpectFailure(
      GoodCsv() + "inf,0.5,red,1\ninf,0.5,red,0\n-inf,0.1,red,1\ninf,0.2,blue,0\n", "model",
      "p.yaml:10:5: the column 'x1' is infinite in row 92; clip the column, or drop the row");
}

TEST_F(Data, AClassWithOneRowCannotBeStratified) {
  WritePipeline();
  std::string pipeline = Read("p.yaml");
  pipeline.replace(pipeline.find("seed: 1"), 7, "seed: 1, stratify: y");
  Write("p.yaml", pipeline);
  std::string csv = GoodCsv();
  ExpectFailure(csv + "0.5,0.5,red,2\n", "split",
                "p.yaml:9:48: the value '2' of the column 'y' has 1 row, and 2 are needed; drop "
                "such rows, merge "
                "rare classes, or leave out stratify");
}

}  // namespace
}  // namespace dml::e2e
