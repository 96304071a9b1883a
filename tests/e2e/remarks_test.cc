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
        "  - {id: f, uses: filter, input: data, with: {where: agee > 3}}\n");
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

}  // namespace
}  // namespace dml::e2e
