// Goal: whatever a step does to its worker, exactly its attempt is charged, and nothing is left.

#include "runners/agent/worker_pool.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/files.h"
#include "tests/runners/recording_sink.h"
#include "tests/sanitized.h"

namespace dml::agent {
namespace {

using runners::AttemptKey;
using runners::KeyOf;
using runners::NativeSpec;
using runners::RecordingSink;

PoolOptions Options(double cpus) { return {{DML_BINARY_DIR "/runners_test_worker"}, cpus}; }

class WorkerPoolTest : public testing::Test {
 protected:
  void Launch(const std::vector<std::string>& uses) {
    std::vector<runners::LaunchSpec> batch;
    for (const std::string& name : uses) batch.push_back(NativeSpec(next_++, name));
    pool_.Launch(std::move(batch));
  }

  // The process that has the attempt, once it has been handed over.
  static int WorkerOf(WorkerPool& pool, AttemptKey key) {
    for (int look = 0; look < 2000; ++look) {
      const auto status = pool.Find(key);
      const auto* running = std::get_if<runners::AttemptRunning>(&status);
      if (running != nullptr && running->pid > 0) return running->pid;
      ::poll(nullptr, 0, 5);
    }
    ADD_FAILURE() << "it is not handed over";
    return 0;
  }

  RecordingSink sink_;
  WorkerPool pool_{Options(2), sink_};
  std::size_t next_ = 0;
};

TEST_F(WorkerPoolTest, ReturnsMetricsAndWarnings) {
  Launch({"echo"});
  sink_.WaitForEnds(1);
  const runners::AttemptExited exited = sink_.Exited(KeyOf(0));
  EXPECT_EQ(exited.metrics["echo"]["task"], 0);
  EXPECT_EQ(exited.warnings, std::vector<std::string>{"mind the gap"});
  EXPECT_TRUE(std::holds_alternative<runners::AttemptUnknown>(pool_.Find(KeyOf(0))));
}

// A step that takes its time is seen to run; of one that does not, one message is enough.
TEST_F(WorkerPoolTest, SaysOfWhatLastsThatItRuns) {
  const auto begin = std::chrono::steady_clock::now();
  Launch({"echo", "hang"});
  sink_.WaitForEnds(1);
  const bool lasted = std::chrono::steady_clock::now() - begin >= std::chrono::seconds(1);
  EXPECT_EQ(sink_.WaitForStart(KeyOf(1)), WorkerOf(pool_, KeyOf(1)));
  pool_.Kill(KeyOf(1), runners::KillMode::kKill);
  sink_.WaitForEnds(2);
  const auto starts = [this](std::size_t task) {
    return std::ranges::count_if(sink_.events, [&](const runners::RunnerEvent& event) {
      const auto* started = std::get_if<runners::AttemptStarted>(&event);
      return started != nullptr && started->key == KeyOf(task);
    });
  };
  EXPECT_EQ(starts(1), 1);
  EXPECT_LE(starts(0), lasted ? 1 : 0);
}

// A worker that starts a command and is killed before it can say so.
TEST_F(WorkerPoolTest, ACommandThatNobodyHeardOfDiesWithItsWorker) {
  const std::string note = testing::TempDir() + "/unheard_" + std::to_string(::getpid());
  const std::string script = "head -c 1 <&3 >/dev/null; setsid sleep 1000 3<&- & echo $! > '" +
                             note + ".new' && mv '" + note + ".new' '" + note + "'; kill -9 $$";
  RecordingSink sink;
  WorkerPool pool({{"/bin/sh", "-c", script}, 1, {{"DML_OWNER", "test"}}}, sink);
  pool.Launch({runners::CommandSpec(0, {"true"}, testing::TempDir())});
  sink.WaitForEnds(1);
  EXPECT_EQ(sink.End(KeyOf(0)), "lost");
  const int pid = std::stoi(ReadFile(note).value());
  EXPECT_EQ(::kill(pid, 0), -1) << "before anybody may begin the next attempt";
  if (::kill(pid, 0) == 0) ::kill(pid, SIGKILL);
  std::filesystem::remove(note);
}

// One that has cleared its environment has no mark, but is in the session of its worker.
TEST_F(WorkerPoolTest, ACommandWithoutAMarkDiesWithItsWorkerToo) {
  const std::string note = testing::TempDir() + "/unmarked_" + std::to_string(::getpid());
  const std::string script = "head -c 1 <&3 >/dev/null; env -i /bin/sleep 1000 3<&- & echo $! > '" +
                             note + "'; kill -9 $$";
  RecordingSink sink;
  WorkerPool pool({{"/bin/sh", "-c", script}, 1}, sink);
  pool.Launch({runners::CommandSpec(0, {"true"}, testing::TempDir())});
  sink.WaitForEnds(1);
  EXPECT_EQ(sink.End(KeyOf(0)), "lost");
  const int pid = std::stoi(ReadFile(note).value());
  EXPECT_EQ(::kill(pid, 0), -1) << "before anybody may begin the next attempt";
  if (::kill(pid, 0) == 0) ::kill(pid, SIGKILL);
  std::filesystem::remove(note);
}

TEST_F(WorkerPoolTest, CarriesErrorsWithPlaceAndHint) {
  Launch({"fail", "throw", "memory"});
  sink_.WaitForEnds(3);
  const auto reason = std::get<runners::ExitFailure>(sink_.Exited(KeyOf(0)).reason);
  EXPECT_EQ(reason.exit_code, 2);
  EXPECT_EQ(reason.error.Render(), "data.csv:3: bad input\n  hint: fix it");
  EXPECT_EQ(sink_.End(KeyOf(1)), "exit 1: an unexpected failure: surprise");
  EXPECT_EQ(sink_.End(KeyOf(2)), "exit 137: it ran out of memory");
}

#if !defined(DML_SANITIZED)  // they take memory of their own
// Whoever is to ask for more wants to know how much there was, and how much it takes.
TEST_F(WorkerPoolTest, ATaskThatRunsOutOfMemorySaysWhatItMayUseAndWhatItNeeds) {
  const std::vector<std::string> uses{"memory", "memory for trees", "memory of a thread"};
  for (std::size_t task = 0; task < uses.size(); ++task) {
    runners::LaunchSpec spec = runners::NativeSpec(task, uses[task]);
    spec.memory_bytes = std::int64_t{512} << 20;
    pool_.Launch({spec});
  }
  sink_.WaitForEnds(3);
  const auto end = [&](std::size_t task) {
    const auto reason = std::get<runners::ExitFailure>(sink_.Exited(KeyOf(task)).reason);
    EXPECT_TRUE(reason.out_of_memory) << "or it is not repeated with more";
    return reason.error.Render();
  };
  const std::string hint = "\n  hint: ask for more with resources: {memory: ...}";
  EXPECT_EQ(end(0), "it ran out of memory: it may use 512 MiB" + hint);
  EXPECT_EQ(end(1),
            "it ran out of memory: it may use 512 MiB, and trees of 200 rows need about 3 GiB" +
                hint + "; fewer columns need less");
  EXPECT_EQ(end(2), "it ran out of memory: it may use 512 MiB" + hint);
}
#endif

TEST_F(WorkerPoolTest, ACrashCostsOneAttempt) {
  Launch({"echo", "crash", "echo", "echo", "exit", "echo", "crash", "echo"});
  sink_.WaitForEnds(8);
  for (const std::size_t task : {0U, 2U, 3U, 5U, 7U}) EXPECT_EQ(sink_.End(KeyOf(task)), "success");
  EXPECT_EQ(sink_.End(KeyOf(1)), "signal 11");
  EXPECT_EQ(sink_.End(KeyOf(4)), "lost");
  EXPECT_EQ(sink_.End(KeyOf(6)), "signal 11");
}

// Nobody can catch it there: the worker ends, and says why.
TEST_F(WorkerPoolTest, AThreadThatRunsOutOfMemoryIsRecognised) {
  Launch({"echo", "memory of a thread", "echo"});
  sink_.WaitForEnds(3);
  EXPECT_EQ(sink_.End(KeyOf(1)), "exit 137: it ran out of memory");
  EXPECT_EQ(sink_.End(KeyOf(2)), "success");
}

TEST_F(WorkerPoolTest, RunsManySmallTasks) {
  Launch(std::vector<std::string>(10'000, "echo"));
  sink_.WaitForEnds(10'000);
  for (std::size_t task = 0; task < 10'000; ++task) {
    ASSERT_EQ(sink_.Exited(KeyOf(task)).metrics["echo"]["task"], task);
  }
}

TEST_F(WorkerPoolTest, KillsPolitelyThenByForce) {
  Launch({"obey", "hang"});
  pool_.Kill(KeyOf(0), runners::KillMode::kTerminate);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(0)), "killed");
  pool_.Kill(KeyOf(1), runners::KillMode::kKill);
  sink_.WaitForEnds(2);
  EXPECT_EQ(sink_.End(KeyOf(1)), "killed");
}

TEST_F(WorkerPoolTest, KillsWhatWaitsInLine) {
  Launch({"obey", "obey", "echo", "echo"});
  pool_.Kill(KeyOf(2), runners::KillMode::kTerminate);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(2)), "killed");
  pool_.Kill(KeyOf(0), runners::KillMode::kTerminate);
  pool_.Kill(KeyOf(1), runners::KillMode::kTerminate);
  sink_.WaitForEnds(4);
  EXPECT_EQ(sink_.End(KeyOf(3)), "success");
}

TEST_F(WorkerPoolTest, AKillHoldsForOneThatWaitsBehindADyingWorker) {
  WorkerPool one(Options(1), sink_);
  one.Launch({NativeSpec(0, "hang"), NativeSpec(1, "echo"), NativeSpec(2, "echo")});
  // Stopped, it does not read that the second is to be killed.
  ::kill(WorkerOf(one, KeyOf(0)), SIGSTOP);
  one.Kill(KeyOf(1), runners::KillMode::kTerminate);
  one.Kill(KeyOf(0), runners::KillMode::kKill);
  sink_.WaitForEnds(3);
  EXPECT_EQ(sink_.End(KeyOf(0)), "killed");
  EXPECT_EQ(sink_.End(KeyOf(1)), "killed");
  EXPECT_EQ(sink_.End(KeyOf(2)), "success");
}

TEST_F(WorkerPoolTest, AnAttemptThatIsLaunchedTwiceRunsOnce) {
  pool_.Launch({NativeSpec(0, "obey"), NativeSpec(1, "nap"), NativeSpec(1, "nap")});
  pool_.Launch({NativeSpec(0, "obey"), NativeSpec(2, "echo")});
  sink_.WaitForEnds(2);
  pool_.Kill(KeyOf(0), runners::KillMode::kTerminate);
  sink_.WaitForEnds(3);
  // A second one would stand in line until here, and end twice, which the sink reports.
  pool_.Launch({NativeSpec(3, "echo"), NativeSpec(4, "echo")});
  sink_.WaitForEnds(5);
  EXPECT_EQ(sink_.Order().size(), 5U);
  EXPECT_TRUE(std::holds_alternative<runners::AttemptUnknown>(pool_.Find(KeyOf(0))));
}

TEST_F(WorkerPoolTest, WhatWaitsBehindALongTaskGoesToAFreeWorker) {
  // The fifth waits behind the first or the second; both may end up behind "obey".
  Launch({"obey", "echo", "echo", "echo", "echo", "echo"});
  sink_.WaitForEnds(5);
  for (std::size_t task = 1; task < 6; ++task) EXPECT_EQ(sink_.End(KeyOf(task)), "success");
  pool_.Kill(KeyOf(0), runners::KillMode::kTerminate);
  sink_.WaitForEnds(6);
  EXPECT_EQ(sink_.End(KeyOf(0)), "killed");
}

TEST_F(WorkerPoolTest, NobodyIsLostWhenTheTaskInFrontEndsDuringARecall) {
  // A nap is as long as it takes until those behind it are recalled.
  constexpr std::size_t kRounds = 30;
  for (std::size_t round = 1; round <= kRounds; ++round) {
    Launch({"nap", "echo", "echo", "echo", "echo", "echo"});
    sink_.WaitForEnds(round * 6);
    ASSERT_EQ(sink_.ends(), round * 6);
  }
}

TEST_F(WorkerPoolTest, AWideTaskKeepsOthersWaiting) {
  runners::LaunchSpec wide = NativeSpec(0, "obey");
  wide.cpus = 2;
  pool_.Launch({wide, NativeSpec(1, "echo")});
  pool_.Kill(KeyOf(0), runners::KillMode::kTerminate);
  sink_.WaitForEnds(2);
  EXPECT_EQ(sink_.End(KeyOf(1)), "success");
  EXPECT_EQ(sink_.Order(), (std::vector<AttemptKey>{KeyOf(0), KeyOf(1)}));
}

TEST_F(WorkerPoolTest, NarrowTasksShareAProcessor) {
  std::vector<runners::LaunchSpec> batch;
  for (std::size_t task = 0; task < 4; ++task) {
    batch.push_back(NativeSpec(task, "meet"));  // ends once four are there
    batch.back().cpus = 0.5;
    batch.back().attempt_dir = testing::TempDir();
  }
  pool_.Launch(std::move(batch));
  sink_.WaitForEnds(4);
  for (std::size_t task = 0; task < 4; ++task) EXPECT_EQ(sink_.End(KeyOf(task)), "success");
}

TEST_F(WorkerPoolTest, WhatIsTooLargeToSendFailsAlone) {
  runners::LaunchSpec large = NativeSpec(1, "echo");
  large.log_path = std::string(runners::kFramePayloadMax, 'x');
  pool_.Launch({NativeSpec(0, "echo"), large, NativeSpec(2, "echo")});
  sink_.WaitForEnds(3);
  EXPECT_EQ(sink_.End(KeyOf(0)), "success");
  EXPECT_EQ(sink_.End(KeyOf(1)),
            "exit 2: its parameters, arguments and environment are larger than 64 MiB");
  EXPECT_EQ(sink_.End(KeyOf(2)), "success");
}

TEST_F(WorkerPoolTest, TimesOut) {
  runners::LaunchSpec spec = NativeSpec(0, "obey");
  spec.timeout = Duration::Millis(50);
  pool_.Launch({spec});
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(0)), "timeout");
}

TEST_F(WorkerPoolTest, ShutdownEndsWhatHangs) {
  Launch({"hang", "hang", "echo"});
  const int first = WorkerOf(pool_, KeyOf(0));
  const int second = WorkerOf(pool_, KeyOf(1));
  EXPECT_NE(first, second);
  pool_.Shutdown();
  pool_.Shutdown();
  for (const int pid : {first, second}) {
    EXPECT_EQ(::kill(pid, 0), -1) << "worker " << pid << " still lives";
  }
}

TEST(WorkerPool, AMissingWorkerIsInfrastructure) {
  RecordingSink sink;
  WorkerPool pool({{"/no/such/worker"}, 1}, sink);
  pool.Launch({NativeSpec(0, "echo")});
  sink.WaitForEnds(1);
  EXPECT_EQ(sink.End(KeyOf(0)), "lost");
}

std::size_t CountOpenFiles() {
  DIR* folder = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

TEST(WorkerPool, LeavesNoDescriptorsBehind) {
  const std::size_t before = CountOpenFiles();
  for (int round = 0; round < 3; ++round) {
    RecordingSink sink;
    WorkerPool pool(Options(2), sink);
    pool.Launch({NativeSpec(0, "echo"), NativeSpec(1, "crash"), NativeSpec(2, "echo")});
    sink.WaitForEnds(3);
  }
  EXPECT_EQ(CountOpenFiles(), before);
}

}  // namespace
}  // namespace dml::agent
