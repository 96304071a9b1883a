// Secrets, and what tasks ask of the machine: what the user wrote holds for every process.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runners/agent/machine.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

class Secrets : public EndToEnd {
 protected:
  // The files below `folder` that hold `text`, the store's among them.
  static std::string FilesWith(const std::string& folder, const std::string& text) {
    std::string found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream content;
      content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      if (content.str().find(text) != std::string::npos) found += entry.path().string() + " ";
    }
    return found;
  }
};

TEST_F(Secrets, ReachTheCommandAndNoFileOfTheHome) {
  Write("token.txt", "swordfish-file\n");
  Write("p.yaml",
        "name: secretive\n"
        "env: {TOKEN: '${env.TOKEN}'}\n"
        "steps:\n"
        "  - id: used\n"
        "    run: ['sh', '-c', 'test \"$TOKEN\" = swordfish-\"$1\" && echo \"$TOKEN $2\"', 'sh', "
        "'env', '${file:token.txt}']\n"
        "  - {id: missing, run: ['./no-such-${env.TOKEN}'], needs: used}\n");
  const StartOptions options{.env = {"TOKEN=swordfish-env"}};
  const Finished run = Run({"run", "p.yaml"}, options);
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.err.find("swordfish"), std::string::npos) << run.err;
  EXPECT_EQ(Run({"logs", "used"}).out, "*** ***\n");
  EXPECT_EQ(RunJson({"status"}).dump().find("swordfish"), std::string::npos);
  EXPECT_EQ(Run({"report", "-o", "report.html"}).code, 0);
  EXPECT_EQ(Read("report.html").find("swordfish-env"), std::string::npos);
  fs::remove(Path("token.txt"));
  EXPECT_EQ(FilesWith(Path("."), "swordfish-env"), "");
  EXPECT_EQ(FilesWith(Path("."), "swordfish-file"), "");
}

// What hooks and parameters name, too: it is read again when it is needed.
TEST_F(Secrets, OfHooksAndParametersAreNotKeptEither) {
  Write("hook.txt", "swordfish-hook\n");
  Write("param.txt", "swordfish-param\n");
  Write("p.yaml",
        "name: secretive\n"
        "params: {used: '${file:param.txt}', idle: '${file:param.txt}'}\n"
        "on:\n"
        "  success: {webhook: 'http://127.0.0.1:9/x', headers: {A: '${file:hook.txt}'}}\n"
        "  finish: {run: ['sh', '-c', 'echo \"$1\" > told', 'sh', "
        "'${file:hook.txt} ${params.used}']}\n"
        "steps: [{id: a, run: 'true'}]\n");
  const StartOptions crash{.env = {"DML_CRASH_AT=hooks.due"}};
  EXPECT_EQ(Run({"run", "p.yaml"}, crash).code, 128 + SIGKILL);
  EXPECT_EQ(FilesWith(Path(".dml"), "swordfish"), "");
  Write("hook.txt", "swordfish-new\n");
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.err.find("swordfish"), std::string::npos) << resumed.err;
  EXPECT_EQ(Read("told"), "swordfish-new swordfish-param\n");
  EXPECT_EQ(Run({"retry", "r1"}).code, 0);
  EXPECT_EQ(FilesWith(Path(".dml"), "swordfish"), "");
}

class Capacity : public EndToEnd {
 protected:
  // A step of four commands, each noting when it begins and ends.
  void WriteFour(const std::string& resources) const {
    Write("p.yaml", "name: n\nsteps:\n  - id: t\n    matrix: {i: [1, 2, 3, 4]}\n    resources: " +
                        resources + "\n    run: 'echo begin >> " + Path("trace") +
                        "; sleep 0.2; echo end >> " + Path("trace") + "; : ${matrix.i}'\n");
  }
  // How many ran at the same time at most.
  [[nodiscard]] int Together() const {
    int now = 0;
    int most = 0;
    std::istringstream trace(Read("trace"));
    for (std::string line; std::getline(trace, line);) {
      now += line == "begin" ? 1 : -1;
      most = std::max(most, now);
    }
    return most;
  }
};

TEST_F(Capacity, JobsLimitWhatRunsAtATime) {
  WriteFour("{cpus: 1}");
  EXPECT_EQ(Run({"run", "p.yaml", "-j1"}).code, 0);
  EXPECT_EQ(Together(), 1);
}

// dml itself takes what it may; its commands begin with what it was given.
TEST_F(Capacity, FewOpenFilesAreEnoughAndCommandsKeepTheirLimit) {
  Write("many.yaml",
        "name: m\nsteps:\n  - {id: t, matrix: {i: [1, 2, 3, 4, 5, 6, 7, 8]}, resources: {cpus: "
        "0.1}, run: 'ulimit -n; : ${matrix.i}'}\n");
  const std::string inner =
      std::string(DML_BINARY_DIR) + "/dml run many.yaml -j8 --home inner --no-color";
  Write("p.yaml", "name: n\nsteps:\n  - {id: hard, run: 'ulimit -n 40 && " + inner +
                      "'}\n  - {id: soft, needs: hard, run: 'ulimit -S -n 60 && " + inner +
                      " -f'}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err << Run({"logs", "hard"}).out;
  EXPECT_EQ(Run({"logs", "t@i=8", "--home", "inner", "--run", "r1"}).out, "40\n");
  EXPECT_EQ(Run({"logs", "t@i=8", "--home", "inner", "--run", "r2"}).out, "60\n");
}

TEST_F(Capacity, WideTasksTakeTheirProcessors) {
  WriteFour("{cpus: 2}");
  EXPECT_EQ(Run({"run", "p.yaml", "-j3"}).code, 0);
  EXPECT_EQ(Together(), 1);
}

TEST_F(Capacity, NarrowTasksShareOne) {
  // Each waits for the others.
  Write("p.yaml",
        "name: n\nsteps:\n  - id: t\n    matrix: {i: [1, 2, 3, 4]}\n"
        "    resources: {cpus: 0.25}\n    timeout: 60s\n    run: 'echo begin >> " +
            Path("trace") + "; until test $(grep -c begin " + Path("trace") +
            ") -ge 4; do sleep 0.02; done; : ${matrix.i}'\n");
  const Finished run = Run({"run", "p.yaml", "-j1"});
  EXPECT_EQ(run.code, 0) << run.err;
}

TEST_F(Capacity, MemoryLimitsWhatRunsAtATime) {
  // Two of them do not fit.
  const std::int64_t all = agent::MachineCapacity().memory_bytes;
  WriteFour("{cpus: 0.1, memory: " + std::to_string(all / 5 * 3) + "}");
  EXPECT_EQ(Run({"run", "p.yaml", "-j4"}).code, 0);
  EXPECT_EQ(Together(), 1);
}

// What no machine at hand can ever run is said before anything runs, at the step.
TEST_F(Capacity, TooMuchIsRefusedAtOnce) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{memory: 100000Gi}", "memory, and this machine has"},
      {"{labels: [gpu]}", "the label 'gpu', which only a cluster can have"}};
  for (const auto& [resources, complaint] : cases) {
    WriteFour(resources);
    for (const char* command : {"run", "plan"}) {
      const auto result = Run({command, "p.yaml"});
      EXPECT_EQ(result.code, 2) << command << resources;
      EXPECT_NE(result.err.find(complaint), std::string::npos) << result.err;
      EXPECT_NE(result.err.find("p.yaml:"), std::string::npos) << result.err;
    }
    EXPECT_EQ(Read("trace"), "");
  }
  // Each step once, all at once.
  Write("p.yaml",
        "steps:\n  - {id: a, run: [\"true\"], matrix: {i: [1, 2]}, resources: {labels: [gpu]}}\n"
        "  - {id: b, run: [\"true\"], resources: {memory: 100000Gi}}\n");
  const auto both = Run({"run", "p.yaml"});
  EXPECT_EQ(both.code, 2);
  EXPECT_NE(both.err.find("p.yaml:2:"), std::string::npos) << both.err;
  EXPECT_NE(both.err.find("p.yaml:3:"), std::string::npos) << both.err;
  EXPECT_EQ(both.err.find("a@i=2"), std::string::npos) << both.err;
  // What is left out needs no room.
  Write("p.yaml",
        "steps:\n  - {id: small, run: [\"true\"]}\n"
        "  - {id: large, run: [\"true\"], resources: {memory: 100000Gi}}\n");
  EXPECT_EQ(Run({"run", "p.yaml", "--until", "small"}).code, 0);
}

// A pipeline for larger machines runs on a small one, too.
TEST_F(Capacity, TooManyProcessorsRunAlone) {
  WriteFour("{cpus: 4000}");
  const auto result = Run({"run", "p.yaml", "-j4"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("asks for 4000 cpus, and this machine has"), std::string::npos);
  EXPECT_EQ(Together(), 1);
}

// What an interpreter says when an allocation is refused ends in an ordinary exit code.
TEST_F(Capacity, AfterARefusedAllocationTheNextAttemptGetsMore) {
  const std::string limit = Path("trace");
  Write("p.yaml",
        "name: n\nsteps:\n  - id: t\n    resources: {memory: 64Mi}\n"
        "    retry: {limit: 5, backoff: 1ms, max_interval: 1ms}\n"
        "    run: 'ulimit -d >> " +
            limit + "; test $(ulimit -d) -ge 200000 || { echo MemoryError; exit 1; }'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Read("trace"), "65536\n131072\n262144\n");
}

TEST_F(Capacity, TheNextAttemptGetsAsMuchMoreAsItsRetrySays) {
  const std::string limit = Path("trace");
  Write("p.yaml",
        "name: n\nsteps:\n  - id: t\n    resources: {memory: 64Mi}\n"
        "    retry: {limit: 5, backoff: 1ms, max_interval: 1ms, memory_growth: 3x}\n"
        "    run: 'ulimit -d >> " +
            limit + "; test $(ulimit -d) -ge 500000 || { echo MemoryError; exit 1; }'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Read("trace"), "65536\n196608\n589824\n");
}

}  // namespace
}  // namespace dml::e2e
