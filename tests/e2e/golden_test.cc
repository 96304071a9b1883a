#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

using Golden = EndToEnd;

// Compares with tests/e2e/golden/NAME; DML_BLESS=1 writes the file instead.
void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(DML_SOURCE_DIR) + "/tests/e2e/golden/" + name;
  if (std::getenv("DML_BLESS") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {}))
      << "if this is meant: DML_BLESS=1 e2e_test --gtest_filter='Golden.*'";
}

TEST_F(Golden, Overview) { ExpectGolden("overview.txt", Run({"--help"}).out); }

TEST_F(Golden, HelpPages) {
  for (const std::string page : {"run", "plan", "logs", "metrics", "report", "predict"}) {
    ExpectGolden("help-" + page + ".txt", Run({page, "--help"}).out);
  }
}

TEST_F(Golden, AFailedRun) {
  Write("p.yaml",
        "name: nightly\nsteps:\n"
        "  - {id: fetch, run: 'echo fetching; echo no route >&2; exit 6'}\n"
        "  - {id: use, run: 'true', needs: fetch}\n");
  std::string err = Run({"run", "p.yaml"}).err;
  // Durations differ from run to run.
  err = std::regex_replace(err, std::regex("[0-9.]+ m?s\\b"), "TIME");
  ExpectGolden("failed-run.txt", err);
}

TEST_F(Golden, Completion) { ExpectGolden("completion.bash", Run({"completion", "bash"}).out); }

}  // namespace
}  // namespace dml::e2e
