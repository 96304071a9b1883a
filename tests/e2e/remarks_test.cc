// What commands say, and what they leave unsaid, where it depends on more than one module.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class Remarks : public EndToEnd {
 protected:
  // A chain that runs as one task.
  void WriteChain(const std::string& low, const std::string& offset) const {
    Write("p.yaml",
          "name: n\nsteps:\n"
          "  - {id: raw, uses: generate.regression, with: {n_samples: 50, partition_rows: 10}}\n"
          "  - {id: clean, uses: preprocess.clip, input: raw, with: {min: " +
              low +
              "}}\n"
              "  - {id: logs, uses: preprocess.log, input: clean, with: {columns: [x_1], offset: " +
              offset + "}}\n  - {id: file, uses: write.csv, input: logs, with: {path: out.csv}}\n");
  }
};

TEST_F(Remarks, AChainNamesTheStepThatChanged) {
  WriteChain("-1", "2");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  WriteChain("-1.5", "3");
  const Finished plan = Run({"plan", "p.yaml", "--explain"});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("clean.params.min -1.0 -> -1.5"), std::string::npos) << plan.out;
  EXPECT_NE(plan.out.find("logs.params.offset 2.0 -> 3.0"), std::string::npos) << plan.out;
  EXPECT_EQ(plan.out.find("work."), std::string::npos) << plan.out;
}

// Under the excerpt, not behind its caret.
TEST_F(Remarks, AHintStandsOnALineOfItsOwn) {
  Write("data.csv", "age,n\n1,a\n2,b\n");
  Write("p.yaml",
        "steps:\n  - {id: data, uses: load.csv, with: {path: data.csv}}\n"
        "  - {id: f, uses: filter, input: data, if: success(), with: {where: agee > 3}}\n");
  // Of a step with `if:` the columns are not looked at before: it says itself what it lacks.
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 2) << run.err;
  EXPECT_NE((run.out + run.err).find("^~~~\n  did you mean 'age'?\n"), std::string::npos)
      << run.out << run.err;
}

// A dry run leaves nothing behind, wherever it is typed.
TEST_F(Remarks, APlanMakesNoHome) {
  Write("p.yaml", "steps:\n  - {id: a, run: [\"true\"]}\n");
  const std::string home = Path("elsewhere/.dml");
  for (const char* command : {"plan", "run"}) {
    std::vector<std::string> args{command, "p.yaml", "--home", home};
    if (args[0] == "run") args.emplace_back("-n");
    const Finished planned = Run(args);
    EXPECT_EQ(planned.code, 0) << planned.err;
    EXPECT_NE(planned.out.find("1 to run"), std::string::npos) << planned.out;
    EXPECT_FALSE(std::filesystem::exists(Path("elsewhere")));
  }
}

// A folder `.dml` in the wrong place would be the home of whatever is done below it.
TEST_F(Remarks, AQuestionAboutRunsMakesNoHome) {
  const std::string home = Path("elsewhere/.dml");
  for (const std::vector<std::string>& args : {std::vector<std::string>{"resume"},
                                               {"resume", "r1"},
                                               {"stop", "latest"},
                                               {"retry", "latest"},
                                               {"cache", "ls"},
                                               {"cache", "gc"},
                                               {"cache", "verify"}}) {
    std::vector<std::string> line = args;
    line.insert(line.end(), {"--home", home});
    const Finished asked = Run(line);
    EXPECT_EQ(asked.code, 2) << asked.err;
    EXPECT_NE(asked.err.find("there are no runs in '" + home + "'"), std::string::npos)
        << asked.err;
    EXPECT_FALSE(std::filesystem::exists(Path("elsewhere"))) << args[0];
  }
}

TEST_F(Remarks, AReportToStandardOutputIsThePageAlone) {
  Write("p.yaml", "steps:\n  - {id: a, run: [\"true\"]}\n");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const Finished page = Run({"report", "-o", "/dev/stdout"});
  EXPECT_EQ(page.code, 0) << page.err;
  EXPECT_EQ(page.out.find("/dev/stdout"), std::string::npos);
  EXPECT_TRUE(page.out.ends_with("</html>\n") || page.out.ends_with("</html>"));
  EXPECT_EQ(Run({"report", "-o", "r.html"}).out, "r.html\n");
}

// What a command declares to be a table has to be one, before anybody reads it.
TEST_F(Remarks, TheKindOfAnOutputIsChecked) {
  const auto pipeline = [&](const std::string& kind, const std::string& script) {
    Write("p.yaml",
          "steps:\n"
          "  - id: made\n    run: \"" +
              script + "\"\n    outputs: {rows: {path: rows, kind: " + kind + "}}\n");
    return Run({"run", "p.yaml"});
  };
  const Finished text = pipeline("table", "echo hello > rows");
  EXPECT_EQ(text.code, 1) << text.err;
  EXPECT_NE(text.err.find("the output 'rows' is no table"), std::string::npos) << text.err;
  const Finished model = pipeline("model", "echo hello > rows");
  EXPECT_EQ(model.code, 1) << model.err;
  EXPECT_NE(model.err.find("the output 'rows' is no model"), std::string::npos) << model.err;
  EXPECT_EQ(pipeline("file", "echo hello > rows").code, 0);
  // The same command: what was kept as a file is not taken for a table.
  EXPECT_EQ(pipeline("table", "echo hello > rows").code, 1);
}

TEST_F(Remarks, ATableThatACommandHandsOnIsRead) {
  Write("p.yaml",
        "steps:\n"
        "  - {id: raw, uses: generate.regression, with: {n_samples: 30}}\n"
        "  - id: copy\n    run: cp -rL raw rows\n    input: {raw: raw}\n"
        "    outputs: {rows: {path: rows, kind: table}}\n"
        "  - {id: model, uses: train.ridge, input: copy, with: {target: y}}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
}

// Whole numbers as categories, a column that is dropped before anything reads it, and one that has
// to be there.
class Predict : public EndToEnd {
 protected:
  void SetUp() override {
    std::string csv = "a,c,day,junk,y\n";
    for (int i = 0; i < 60; ++i) {
      const std::string row = std::to_string(i);
      csv += row + "," + std::to_string(i % 3 + 1) + "," + std::to_string(i % 7) + "," + row + "," +
             std::to_string(i * 2 + i % 3) + "\n";
    }
    Write("t.csv", csv);
    Write("p.yaml",
          "steps:\n"
          "  - {id: d, uses: load.csv, with: {path: t.csv}}\n"
          "  - id: m\n    uses: train.ridge\n    input: d\n    with:\n      target: y\n"
          "      preprocess:\n        - drop: {columns: [junk]}\n"
          "        - one_hot: {columns: [c], handle_unknown: ignore}\n");
    ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  }
  // What `dml predict m` prints for these rows, without their own columns.
  [[nodiscard]] std::string Prediction(const std::string& rows,
                                       const std::string& name = "u.csv") const {
    Write(name, rows);
    const Finished done = Run({"predict", "m", name});
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out.substr(done.out.rfind(','));
  }
  [[nodiscard]] std::string Refusal(const std::string& rows) const {
    Write("u.csv", rows);
    const Finished done = Run({"predict", "m", "u.csv"});
    EXPECT_EQ(done.code, 2);
    return done.err;
  }
};

TEST_F(Predict, UnknownValuesAreIgnoredWhateverTheyLookLike) {
  const std::string unknown = Prediction("a,c,day\n1,4,3\n");
  EXPECT_EQ(Prediction("a,c,day\n1,other,3\n"), unknown);
  const std::string known = Prediction("a,c,day\n1,2,3\n");
  EXPECT_NE(known, unknown);
  EXPECT_EQ(Prediction("a,c,day\n1,other,3\n1,2,3\n"), known) << "a number among words";
  EXPECT_EQ(Prediction("a,c,day\n1,other,3\n1, 2.0 ,3\n"), known);
}

TEST_F(Predict, WhatIsDroppedIsNotRead) {
  const std::string without = Prediction("a,c,day\n1,2,3\n");
  EXPECT_EQ(Prediction("a,c,day,junk\n1,2,3,word\n"), without);
  EXPECT_EQ(Prediction("a,c,day,junk\n1,2,3,2020-01-01\n"), without);
}

TEST_F(Predict, TabsSeparateTheFieldsOfTsv) {
  EXPECT_EQ(Prediction("a\tc\tday\n1\t2\t3\n", "u.tsv"), Prediction("a,c,day\n1,2,3\n"));
}

TEST_F(Predict, AMissingValueIsSaidForOneRow) {
  const std::string refusal = Refusal("a,c,day\n1,2,\n");
  EXPECT_NE(refusal.find("the column 'day' has no value in row 1"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("train with - impute"), std::string::npos) << refusal;
}

TEST_F(Predict, HintsAreAboutWhatIsWrong) {
  EXPECT_NE(Refusal("a,c,day\n1,2\n").find("--with"), std::string::npos) << "fields";
  EXPECT_NE(Refusal("a;c;day\n1;2;3\n").find("--with"), std::string::npos) << "one column";
  EXPECT_EQ(Refusal("a,c,day\n1,2,\n").find("--with"), std::string::npos);
  EXPECT_EQ(Refusal("a,c,day,prediction\n1,2,3,4\n").find("--with"), std::string::npos);
  const std::string absent = Run({"predict", "m", "nowhere.csv"}).err;
  EXPECT_EQ(absent,
            "error: there is no file 'nowhere.csv'\n"
            "  hint: relative paths start at the working directory\n");
  const std::string unknown = Run({"predict", "modell", "u.csv"}).err;
  EXPECT_EQ(unknown.find("r3/"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("RUN/TASK"), std::string::npos) << unknown;
  EXPECT_NE(Run({"predict", "m"}).err.find("needs DATA"), std::string::npos);
  EXPECT_NE(Run({"predict"}).err.find("needs MODEL"), std::string::npos);
}

TEST_F(Remarks, TransformsAreListedAsJsonToo) {
  const Json one = RunJson({"steps", "standardize"});
  EXPECT_EQ(one["transforms"].at(0)["name"], "standardize");
  EXPECT_FALSE(one["transforms"].at(0)["params"].empty());
  EXPECT_GT(RunJson({"steps"})["transforms"].size(), 10U);
  EXPECT_EQ(Run({"steps", "standardise", "-o", "json"}).code, 2);
}

TEST_F(Remarks, EvenQuietListsSayThatTheyAreShortened) {
  Write("p.yaml", "steps:\n  - {id: a, matrix: {i: [1, 2, 3, 4, 5, 6, 7, 8]}, run: 'exit 3'}\n");
  const Finished run = Run({"run", "-q", "-k", "p.yaml"});
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("and 3 more failed tasks: dml status r1"), std::string::npos) << run.err;
}

TEST_F(Remarks, ADiffIsOfRunsOfOnePipeline) {
  const std::string rows = "steps:\n  - {id: a, uses: generate.regression, with: {n_samples: ";
  Write("p.yaml", rows + "10}}\n");
  Write("q.yaml", rows + "20}}\n");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_EQ(Run({"run", "q.yaml"}).code, 0);
  const Finished alone = Run({"metrics", "diff"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_NE(alone.err.find("r2 is the only run of"), std::string::npos) << alone.err;
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const Json diff = RunJson({"metrics", "diff"});
  EXPECT_EQ(diff["before"], "r1");
  EXPECT_EQ(diff["after"], "r3");
}

// What only the step finds out: an earlier one writes the file.
TEST_F(Remarks, WhatAStepRefusesSaysWhereItIsWritten) {
  Write("data.csv", "a,b\n1,2\n3,4\n");
  Write("p.yaml",
        "steps:\n"
        "  - {id: e, uses: load.csv, with: {path: data.csv}, needs: w}\n"
        "  - {id: f, uses: preprocess.drop, input: e, with: {columns: [zz]}}\n"
        "  - {id: m, uses: train.ridge, input: e, with: {target: nope}}\n"
        "  - {id: w, uses: noop}\n");
  const Finished run = Run({"run", "-k", "p.yaml"});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("p.yaml:3:63: there is no column 'zz'"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("p.yaml:4:57: there is no column 'nope'"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace dml::e2e
