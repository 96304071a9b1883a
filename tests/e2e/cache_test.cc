// The store of results from outside: reasons, damage, garbage.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class Cache : public EndToEnd {
 protected:
  void WritePipeline(const std::string& alpha = "1") {
    Write("p.yaml",
          "name: n\nsteps:\n"
          "  - id: raw\n    uses: load.csv\n    with: {path: data/rows.csv}\n"
          "  - id: model\n    uses: train.ridge\n    input: raw\n"
          "    with: {target: y, alpha: " +
              alpha + "}\n");
  }
  void WriteRows(int rows) {
    std::string text = "x,y\n";
    for (int i = 0; i < rows; ++i) {
      text += std::to_string(i) + "," + std::to_string(2 * i + i % 3) + "\n";
    }
    Write("data/rows.csv", text);
  }
  [[nodiscard]] std::map<std::string, std::string> Plan() const {
    std::map<std::string, std::string> plan;
    const Json document = RunJson({"plan", "p.yaml"});
    for (const Json& task : document["tasks"]) {
      plan[task["name"]] =
          task["decision"].get<std::string>() + ": " + task["reason"].get<std::string>();
    }
    return plan;
  }
  [[nodiscard]] std::string Why(const std::string& task) const {
    return RunJson({"explain", task})["reason"];
  }
  // The file of a task's only output in the store.
  [[nodiscard]] std::string BlobOf(const std::string& task) const {
    const Json document = RunJson({"cache", "ls"});
    for (const Json& row : document["results"]) {
      if (row["task"] == task) return row["key"];
    }
    return {};
  }
};

TEST_F(Cache, ReasonsNameTheFieldThatChanged) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Plan().at("model"), "reuse: unchanged");
  WritePipeline("0.5");
  EXPECT_EQ(Plan().at("raw"), "reuse: unchanged");
  EXPECT_NE(Plan().at("model").find("run: params.alpha 1"), std::string::npos) << Plan()["model"];
  EXPECT_NE(Plan().at("model").find("-> 0.5"), std::string::npos) << Plan()["model"];
  WritePipeline();
  WriteRows(33);
  EXPECT_EQ(Plan().at("raw"), "run: file data/rows.csv changed");
  EXPECT_EQ(Plan().at("model"), "maybe: waits for raw");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Why("raw"), "file data/rows.csv changed");
  EXPECT_EQ(Why("model"), "input raw: file data/rows.csv changed, 3 rows added");
  const Finished why = Run({"cache", "why", "model"});
  EXPECT_NE(why.out.find("3 rows added"), std::string::npos) << why.out;
  WriteRows(30);
  EXPECT_EQ(Plan().at("model"), "reuse: unchanged") << "the earlier result still stands";
}

// The newest run knows nothing of what it did not get to.
TEST_F(Cache, ReasonsReachBehindARunOfAPart) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_EQ(Run({"run", "p.yaml", "--until", "raw"}).code, 0);
  WritePipeline("0.5");
  EXPECT_NE(Plan().at("model").find("alpha"), std::string::npos) << Plan().at("model");
}

TEST_F(Cache, PlanExplainsEverythingThatChanged) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("p.yaml", Read("p.yaml") + "");
  std::string text = Read("p.yaml");
  text.replace(text.find("alpha: 1}"), 9, "alpha: 3, fit_intercept: false}");
  Write("p.yaml", text);
  const Finished plan = Run({"plan", "p.yaml", "--explain"});
  EXPECT_NE(plan.out.find("params.alpha"), std::string::npos) << plan.out;
  EXPECT_NE(plan.out.find("params.fit_intercept true -> false"), std::string::npos) << plan.out;
}

TEST_F(Cache, VerifyFindsADamagedFileAndTheNextRunMakesOnlyThatAgain) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const Finished good = Run({"cache", "verify"});
  EXPECT_EQ(good.code, 0) << good.out;
  const auto blobs = BlobsOf(Path(".dml"));
  ASSERT_FALSE(BlobOf("model").empty());
  // The largest file is the table or the model; flip a bit without changing the size.
  const std::string name = *blobs.begin();
  const std::string path = Path(".dml/store/blobs/" + name.substr(0, 2) + "/" + name);
  ::chmod(path.c_str(), 0644);
  std::string bytes = Read(".dml/store/blobs/" + name.substr(0, 2) + "/" + name);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  Write(".dml/store/blobs/" + name.substr(0, 2) + "/" + name, bytes);
  const Json report = Json::parse(Run({"cache", "verify", "-o", "json"}).out);
  ASSERT_EQ(report["damaged"].size(), 1U);
  ASSERT_EQ(report["damaged"][0]["tasks"].size(), 1U);
  const std::string task = report["damaged"][0]["tasks"][0];
  EXPECT_EQ(Run({"cache", "verify"}).code, 0) << "it was removed";
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  for (const auto& [ran, state] : States()) {
    EXPECT_EQ(state, ran == task ? "succeeded" : "reused") << ran;
  }
  EXPECT_EQ(BlobsOf(Path(".dml")), blobs) << "the same bits again";
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

TEST_F(Cache, GarbageGoesAndWhatIsNeededStays) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const auto first = BlobsOf(Path(".dml"));
  WritePipeline("2");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_GT(BlobsOf(Path(".dml")).size(), first.size());
  const Json dry = RunJson({"cache", "gc", "--keep-runs", "1", "--dry-run"});
  EXPECT_EQ(dry["results"], 1) << "the model with the other alpha";
  EXPECT_GT(BlobsOf(Path(".dml")).size(), first.size()) << "only counted";
  EXPECT_EQ(RunJson({"cache", "gc", "--keep-runs", "1"})["results"], 1);
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(States().at("model"), "reused");
  EXPECT_EQ(RunJson({"cache", "gc", "--keep-runs", "1"})["files"], 0);
}

// However many runs came after it, what a stopped run has done is there when it goes on.
TEST_F(Cache, GarbageCollectionDoesNotBreakARunThatCanBeResumed) {
  Write("p.yaml",
        "name: n\nparams: {n: 1}\nsteps:\n  - id: first\n    run: 'echo ${params.n} | "
        "tee -a " +
            Path("trace") +
            " > f'\n    outputs: {f: f}\n"
            "  - id: second\n    input: {f: first.f}\n    inputs: {f: in}\n"
            "    outputs: {g: g}\n    run: 'touch " +
            Path("started") + "; while ! test -e " + Path("go") +
            "; do sleep 0.05; done; cat in > g'\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("started"); }, "the second step runs");
  const Finished busy = Run({"cache", "gc"});
  EXPECT_EQ(busy.code, 4) << busy.err;
  run.Signal(SIGINT);
  EXPECT_EQ(run.Wait().code, 130);
  Write("go", "");
  ASSERT_EQ(Run({"run", "p.yaml", "-S", "n=2"}).code, 0);
  ASSERT_EQ(Run({"cache", "gc", "--keep-runs", "0"}).code, 0);
  const Finished resumed = Run({"resume", "r1"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "1\n2\n") << "the first step was not repeated";
}

// Two projects, one cache: what one has made the other reuses, and neither throws away what the
// other has.
TEST_F(Cache, ProjectsShareResults) {
  WriteRows(30);
  WritePipeline();
  StartOptions shared;
  shared.env = {"DML_CACHE=" + Path("cache")};
  ASSERT_EQ(Run({"run", "p.yaml", "--home", "one"}, shared).code, 0);
  const Finished two = Run({"run", "p.yaml", "--home", "two"}, shared);
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_NE(two.err.find("all results were reused"), std::string::npos) << two.err;
  const Finished gc = Run({"cache", "gc", "--keep-runs", "0", "--home", "one"});
  EXPECT_EQ(gc.code, 0) << gc.err;
  const Finished again = Run({"run", "p.yaml", "--home", "two"});
  EXPECT_NE(again.err.find("all results were reused"), std::string::npos)
      << "the link stays without the variable: " << again.err;
  const Finished refused = Run({"run", "p.yaml"});
  EXPECT_EQ(refused.code, 0) << refused.err;
  const Finished own = Run({"run", "p.yaml"}, shared);
  EXPECT_EQ(own.code, 2) << own.err;
  EXPECT_NE(own.err.find("has results of its own"), std::string::npos) << own.err;
}

}  // namespace
}  // namespace dml::e2e
