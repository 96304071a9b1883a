// Whole runs through the real loop, store and committer; only the runner is a fake.

#include "orchestrator/engine/session.h"

#include "base/files.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

TEST_F(SessionTest, RunsInOrderAndLeavesArtifactsButNoAttempts) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a", {}, {{"x", 1}});
  const TaskId b = maker.Add("b", {a});
  maker.Add("c", {a, b});
  const Ran ran = Run(maker.pipeline);
  EXPECT_EQ(ran.launched, (Names{"a", "b", "c"}));
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(ran.result.count(TaskState::kSucceeded), 3U);
  EXPECT_EQ(ran.result.commit.files, 3);
  EXPECT_EQ(CountAttemptFolders(ran.result.run), 0U);
  const auto tasks = Tasks(ran.result.run);
  ASSERT_TRUE(tasks[2].result.has_value());
  EXPECT_EQ(tasks[2].result->metrics["inputs"], 2);
  const ArtifactFile& file = tasks[2].result->outputs[0].files[0];
  EXPECT_EQ(HashFile(file.path).value(), file.digest);
}

TEST_F(SessionTest, ASecondRunReusesEverything) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker.Add("b", {a});
  Run(maker.pipeline);
  const Ran again = Run(maker.pipeline);
  EXPECT_EQ(again.launched, Names{});
  EXPECT_EQ(again.result.count(TaskState::kReused), 2U);
  EXPECT_EQ(Tasks(again.result.run)[1].result->metrics["inputs"], 1);
  const Ran forced = Run(maker.pipeline, {.force = true});
  EXPECT_EQ(forced.launched, (Names{"a", "b"}));
  const Ran uncached = Run(maker.pipeline, {.no_cache = true});
  EXPECT_EQ(uncached.launched, (Names{"a", "b"}));
}

TEST_F(SessionTest, AChangedParameterIsTheReasonAndEqualOutputStopsTheWave) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a", {}, {{"C", 0.1}});
  const TaskId b = maker.Add("b", {a});
  Run(maker.pipeline);
  std::get<pipelines::NativeWork>(maker[a].work).params["C"] = 0.2;
  const auto plan = MakePlan(*home_, maker.pipeline, {}, clock_).value();
  EXPECT_EQ(plan.tasks[a].decision, core::Decision::kRun);
  EXPECT_EQ(plan.tasks[a].reason, "params.C 0.1 -> 0.2");
  EXPECT_EQ(plan.tasks[b].decision, core::Decision::kMaybe);
  EXPECT_EQ(plan.tasks[b].reason, "waits for a");
  EXPECT_EQ(Run(maker.pipeline).launched, (Names{"a", "b"}));

  std::get<pipelines::NativeWork>(maker[a].work).algorithm_version = 2;  // same output as before
  const Ran cut_off = Run(maker.pipeline);
  EXPECT_EQ(cut_off.launched, Names{"a"});
  EXPECT_EQ(cut_off.result.count(TaskState::kReused), 1U);
}

TEST_F(SessionTest, AFileCountsByItsContent) {
  const std::string path = folder_ + "/data.csv";
  std::ofstream(path) << "x\n1\n";
  PipelineMaker maker;
  const TaskId a = maker.Add("a", {}, {{"path", path}});
  maker[a].files = {{"path", path, {"p.yaml", 7, 9}}};
  Run(maker.pipeline);
  std::ofstream(path) << "x\n1\n";  // rewritten with the same content
  EXPECT_EQ(Run(maker.pipeline).launched, Names{});
  std::ofstream(path) << "x\n2\n";
  EXPECT_EQ(MakePlan(*home_, maker.pipeline, {}, clock_)->tasks[a].reason,
            "file " + path + " changed");
  EXPECT_EQ(Run(maker.pipeline).launched, Names{"a"});

  std::filesystem::remove(path);
  const auto missing = MakePlan(*home_, maker.pipeline, {}, clock_);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(missing.error().where, "p.yaml:7:9");
  const Ran failed = Run(maker.pipeline);
  EXPECT_EQ(failed.result.count(TaskState::kFailed), 1U);
  EXPECT_NE(failed.observer.Reason(a, TaskState::kFailed).find("there is no file"),
            std::string::npos);
}

TEST_F(SessionTest, AMissingBlobIsMadeAgain) {
  PipelineMaker maker;
  maker.Add("a");
  const Ran first = Run(maker.pipeline);
  std::filesystem::remove(Tasks(first.result.run)[0].result->outputs[0].files[0].path);
  EXPECT_EQ(MakePlan(*home_, maker.pipeline, {}, clock_)->tasks[TaskId(0)].reason,
            "its outputs are no longer in the store");
  EXPECT_EQ(Run(maker.pipeline).launched, Names{"a"});
}

// Of the same size, and read by nobody: the broken seal tells.
TEST_F(SessionTest, ADamagedBlobIsMadeAgain) {
  PipelineMaker maker;
  maker.Add("a");
  const Ran first = Run(maker.pipeline);
  const std::string blob = Tasks(first.result.run)[0].result->outputs[0].files[0].path;
  const std::string good = ReadFile(blob).value();
  std::filesystem::permissions(blob, std::filesystem::perms::owner_all);
  std::ofstream(blob) << std::string(good.size(), 'X');
  EXPECT_EQ(MakePlan(*home_, maker.pipeline, {}, clock_)->tasks[TaskId(0)].reason,
            "its outputs in the store are damaged");
  EXPECT_EQ(Run(maker.pipeline).launched, Names{"a"});
  EXPECT_EQ(ReadFile(blob).value(), good);
  EXPECT_EQ(Run(maker.pipeline).launched, Names{});
}

// Copied without its times, as by a backup: it is read once and is as good as before.
TEST_F(SessionTest, AGoodBlobWithoutASealIsReusedAndSealedAgain) {
  PipelineMaker maker;
  maker.Add("a");
  const Ran first = Run(maker.pipeline);
  const std::string blob = Tasks(first.result.run)[0].result->outputs[0].files[0].path;
  const auto sealed = std::filesystem::last_write_time(blob);
  std::filesystem::last_write_time(blob, std::filesystem::file_time_type::clock::now());
  EXPECT_EQ(Run(maker.pipeline).launched, Names{});
  EXPECT_EQ(std::filesystem::last_write_time(blob), sealed);
}

TEST_F(SessionTest, RetriesWithinTheBudgetAndLeavesNothingOfFailedAttempts) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker[a].retry.limit = 2;
  const auto fail_twice = [](ImmediateRunner& runner) {
    runner.failures["a"] = {runners::ExitFailure{Error::Task("boom"), 1},
                            runners::ExitSignal{11, false}};
  };
  const Ran ran = Run(maker.pipeline, {}, fail_twice);
  EXPECT_EQ(ran.launched, (Names{"a", "a", "a"}));
  EXPECT_EQ(ran.result.count(TaskState::kSucceeded), 1U);
  EXPECT_EQ(CountAttemptFolders(ran.result.run), 0U);
  const auto attempts = Tasks(ran.result.run)[0].attempts;
  ASSERT_EQ(attempts.size(), 3U);
  EXPECT_NE(attempts[1].reason.find("signal 11"), std::string::npos);
}

TEST_F(SessionTest, InvalidInputIsNotRetriedAndSkipsWhatFollows) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker[a].retry.limit = 5;
  const TaskId b = maker.Add("b", {a});
  const TaskId c = maker.Add("c");
  const auto fail = [](ImmediateRunner& runner) {
    runner.failures["a"] = {runners::ExitFailure{Error::Invalid("row 3 is ragged"), 2}};
  };
  const Ran ran = Run(maker.pipeline, {.jobs = 1, .keep_going = true}, fail);
  EXPECT_EQ(ran.launched, (Names{"a", "c"}));
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kFailed);
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kFailed), "p.yaml:3:5: row 3 is ragged");
  EXPECT_EQ(ran.observer.Reason(b, TaskState::kSkipped), "a failed");
  EXPECT_EQ(ran.observer.Reason(c, TaskState::kSucceeded), "");
}

TEST_F(SessionTest, AStepWithoutItsOutputFails) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  const Ran ran =
      Run(maker.pipeline, {}, [](ImmediateRunner& runner) { runner.leaves_outputs = false; });
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kFailed), "it left no output 'out'");
}

TEST_F(SessionTest, EqualTasksRunOnce) {
  PipelineMaker maker;
  maker.Add("a", {}, {{"x", 1}});
  maker.Add("b", {}, {{"x", 1}});
  const Ran ran = Run(maker.pipeline);
  EXPECT_EQ(ran.launched, Names{"a"});
  EXPECT_EQ(ran.result.count(TaskState::kReused), 1U);
}

TEST_F(SessionTest, UntilAndFromSelect) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  const TaskId b = maker.Add("b", {a});
  const TaskId c = maker.Add("c", {b});
  const Ran until = Run(maker.pipeline, {.until = {"b"}});
  EXPECT_EQ(until.launched, (Names{"a", "b"}));
  EXPECT_EQ(until.observer.Reason(c, TaskState::kSkipped), "not needed for --until");
  EXPECT_EQ(Tasks(until.result.run)[2].state, TaskState::kSkipped);
  const Ran from = Run(maker.pipeline, {.from = {"b"}});
  EXPECT_EQ(from.launched, (Names{"b", "c"}));
  RecordingObserver observer;
  RunSession session(*home_, maker.pipeline, {.until = {"cc"}}, clock_, observer);
  ImmediateRunner runner(session.events());
  const auto unknown = session.Run(runner);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, ErrorKind::kInvalid);
}

TEST_F(SessionTest, ChainsOfRowLocalStepsAreOneAttempt) {
  PipelineMaker maker;
  const TaskId load = maker.Add("load");
  const TaskId a = maker.Add("a", {load}, {{"x", 1}});
  const TaskId b = maker.Add("b", {a}, {{"x", 2}});
  maker.Add("c", {b}, {{"x", 3}});
  for (const TaskId task : {load, a, b}) maker[task].row_local = true;
  const auto plan = MakePlan(*home_, maker.pipeline, {}, clock_);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->count(core::Decision::kRun), 1U);
  EXPECT_EQ(plan->count(core::Decision::kMaybe), 3U) << "a chain waits for what it reads";
  const Ran ran = Run(maker.pipeline);
  EXPECT_EQ(ran.launched, (Names{"load", "b", "c"}));
  EXPECT_EQ(std::get<0>(ran.specs[1].work).size(), 2U);
  EXPECT_EQ(ran.result.count(TaskState::kSucceeded), 4U);
  EXPECT_EQ(Tasks(ran.result.run)[1].state, TaskState::kSucceeded);
  EXPECT_EQ(Run(maker.pipeline).result.count(TaskState::kReused), 4U);
  EXPECT_EQ(MakePlan(*home_, maker.pipeline, {}, clock_)->count(core::Decision::kReuse), 4U);
  std::get<pipelines::NativeWork>(maker[a].work).params["x"] = 9;
  EXPECT_EQ(Run(maker.pipeline).launched, (Names{"b", "c"}));
}

// What a source reads is the dear part of a chain, and people work on its tail.
TEST_F(SessionTest, AChangedTailDoesNotReadTheSourceAgain) {
  PipelineMaker maker;
  const TaskId load = maker.Add("load");
  const TaskId tail = maker.Add("tail", {load}, {{"x", 1}});
  for (const TaskId task : {load, tail}) maker[task].row_local = true;
  Run(maker.pipeline);
  std::get<pipelines::NativeWork>(maker[tail].work).params["x"] = 2;
  EXPECT_EQ(Run(maker.pipeline).launched, Names{"tail"});
}

TEST_F(SessionTest, CancelStopsWhatRunsAndTheRestNeverStarts) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker.Add("b", {a});
  RecordingObserver observer;
  RunSession session(*home_, maker.pipeline, {}, clock_, observer);
  ImmediateRunner runner(session.events());
  runner.hangs = {"a"};
  session.Cancel(false);
  session.Cancel(true);
  const auto result = session.Run(runner);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->outcome, state::RunOutcome::kCancelled);
  EXPECT_EQ(result->count(TaskState::kCancelled), 2U);
}

TEST_F(SessionTest, AHomeThatCannotBeWrittenSaysSo) {
  std::ofstream(folder_ + "/file") << "x";
  const auto home = Home::Open(folder_ + "/file/home", "/");
  ASSERT_FALSE(home.ok());
  EXPECT_EQ(home.error().kind, ErrorKind::kEnvironment);
  EXPECT_NE(home.error().hint.find("--home"), std::string::npos);
}

}  // namespace
}  // namespace dml::engine
