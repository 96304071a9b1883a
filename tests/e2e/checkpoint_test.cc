// Goal: a training that is killed goes on at its last checkpoint and ends in the same bits;
// commands have a folder that survives their attempts; nothing of it is left when the task is done.

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

const std::string kData =
    std::string(DML_SOURCE_DIR) + "/examples/credit_risk/data/credit_default.csv.gz";

class Checkpoints : public EndToEnd {
 protected:
  // k-means of 30,000 real accounts, with far more iterations than a test has time for attempts.
  void WriteTraining() {
    Write("p.yaml",
          "name: n\nsteps:\n"
          "  - {id: rows, uses: load.csv, with: {path: " +
              kData +
              "}}\n"
              "  - id: groups\n    uses: train.kmeans\n    input: rows\n"
              "    with: {n_clusters: 12, n_init: 2, max_iter: 40, tol: 0, seed: 3, preprocess: "
              "[drop: {columns: [ID]}, standardize: {columns: numeric}]}\n");
  }
  [[nodiscard]] std::set<std::string> Undisturbed() const {
    const Finished run = Run({"run", "p.yaml", "--home", Path("reference")});
    EXPECT_EQ(run.code, 0) << run.err;
    return BlobsOf(Path("reference"));
  }
  [[nodiscard]] bool HasCheckpoint() const {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(Path(".dml/checkpoints"), ignored)) {
      if (entry.path().filename() == "fit") return true;
    }
    return false;
  }
  void ExpectWentOn(const std::string& log) const {
    EXPECT_NE(log.find("goes on at a checkpoint: "), std::string::npos) << log;
    EXPECT_EQ(log.find("goes on at a checkpoint: 0 starts judged, 0 iterations"), std::string::npos)
        << log;
  }
  static StartOptions Often(const std::string& crash = {}) {
    StartOptions options;
    options.env = {"DML_CHECKPOINT_INTERVAL=0s"};
    if (!crash.empty()) options.env.push_back("DML_CRASH_AT=" + crash);
    return options;
  }
};

TEST_F(Checkpoints, AKilledWorkerCostsAnAttemptAndNotTheIterations) {
  WriteTraining();
  const std::set<std::string> expected = Undisturbed();
  const Finished run = Run({"run", "p.yaml"}, Often("checkpoint.saved@" + Path("died")));
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(Exists("died"));
  EXPECT_EQ(BlobsOf(Path(".dml")), expected);
  ExpectWentOn(Run({"logs", "groups"}).out);
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

// The worker dies at its first save, again and again, and every attempt gets one iteration further;
// then the budget for lost workers is used up, and another run goes on.
TEST_F(Checkpoints, ALaterRunGoesOnWhereAFailedOneEnded) {
  WriteTraining();
  const std::set<std::string> expected = Undisturbed();
  const Finished failed = Run({"run", "p.yaml"}, Often("checkpoint.saved"));
  EXPECT_EQ(failed.code, 3) << failed.err;
  const Finished retried = Run({"retry", "latest"}, Often());
  EXPECT_EQ(retried.code, 0) << retried.err;
  EXPECT_NE(Run({"logs", "groups"}).out.find("0 starts judged, 4 iterations"), std::string::npos)
      << Run({"logs", "groups"}).out;
  EXPECT_EQ(BlobsOf(Path(".dml")), expected);
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

TEST_F(Checkpoints, AfterTheDeathOfEverythingResumeGoesOn) {
  WriteTraining();
  const std::set<std::string> expected = Undisturbed();
  Program run = Start({"run", "p.yaml"}, Often());
  WaitUntil([&] { return HasCheckpoint(); }, "there is a checkpoint");
  run.Signal(SIGKILL);
  EXPECT_EQ(run.Wait().code, 128 + SIGKILL);
  const Finished resumed = Run({"resume"}, Often());
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(BlobsOf(Path(".dml")), expected);
  ExpectWentOn(Run({"logs", "groups"}).out);
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

// `--force` asks for everything anew: what an earlier run left is not used.
TEST_F(Checkpoints, AForcedRunBeginsAnew) {
  WriteTraining();
  EXPECT_EQ(Run({"run", "p.yaml"}, Often("checkpoint.saved")).code, 3);
  const Finished forced = Run({"run", "p.yaml", "--force"}, Often());
  EXPECT_EQ(forced.code, 0) << forced.err;
  EXPECT_EQ(Run({"logs", "groups"}).out.find("goes on"), std::string::npos);
}

TEST_F(Checkpoints, ACommandFindsWhatItsEarlierAttemptLeft) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - id: counts\n    retry: {limit: 3, backoff: 1ms, max_interval: 1ms}\n"
        "    outputs: {text: text}\n"
        "    run: 'mkdir -p \"$DML_CHECKPOINT_DIR\"; echo x >> \"$DML_CHECKPOINT_DIR/n\"; "
        "test $(wc -l < \"$DML_CHECKPOINT_DIR/n\") -ge 3 && cp \"$DML_CHECKPOINT_DIR/n\" text'\n"
        "  - {id: reads, input: {t: counts.text}, inputs: {t: in}, run: 'cat in'}\n"
        "  - id: bare\n    run: 'mkdir -p \"$DML_CHECKPOINT_DIR\"; echo $DML_CHECKPOINT_DIR'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(Run({"logs", "bare"}).out.find("/.dml/checkpoints/"), std::string::npos);
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

}  // namespace
}  // namespace dml::e2e
