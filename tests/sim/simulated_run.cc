#include "tests/sim/simulated_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "orchestrator/core/retry.h"
#include "orchestrator/state/run_view.h"
#include "tests/sim/sim_node.h"
#include "tests/state/log_replay.h"

namespace dml::engine {

namespace {

using core::TaskState;

constexpr int kTurnsMax = 20'000;
constexpr std::uint64_t kCallsPerLifeMax = 120;

bool Is(const RunResult& result, state::RunOutcome outcome) { return result.outcome == outcome; }

}  // namespace

// The helper thread: commits through the real artifact store when their time comes.
class SimulatedRun::Committer final : public Background {
 public:
  explicit Committer(SimulatedRun& sim) : sim_(sim), store_(sim.home_, sim.disk_, 1) {}

  void Commit(CommitJob job) override {
    const Instant when = sim_.clock_.Now() + sim_.Delay();
    const bool echo = sim_.scenario_.echoes && sim_.Draw(3) == 0;
    const Instant again = when + sim_.Delay();
    sim_.post_.Do(when, [this, job, echo, again]() -> std::optional<Message> {
      sim_.crash_.Tick();
      CommitReport report{job.task, job.attempt, std::vector<Artifact>(), {}};
      report.outputs = store_.Commit(job.attempt_path, job.outputs, report.cost);
      if (!report.outputs.ok()) ++sim_.causes_[job.task].infrastructure;
      sim_.crash_.Tick();
      if (echo) sim_.post_.Send(again, Message(report));
      return Message(std::move(report));
    });
  }
  void HashFile(std::string) override {}
  void Discard(std::vector<std::string> attempt_paths) override {
    for (const std::string& path : attempt_paths) {
      sim_.crash_.Tick();
      sim_.disk_.RemoveFolder(path);
    }
  }

 private:
  SimulatedRun& sim_;
  ArtifactStore store_;
};

// The thread that makes decisions durable: at once, or while the loop goes on.
class SimulatedRun::Writer final : public LogWriter {
 public:
  Writer(SimulatedRun& sim, state::RunStore& store) : sim_(sim), store_(store) {}

  void Write(RunId run, WallTime now, state::Batch batch) override {
    const bool at_once = sim_.Draw(2) == 0;
    const Instant when = at_once ? sim_.clock_.Now() : sim_.clock_.Now() + sim_.Delay();
    const bool full =
        sim_.scenario_.full_disks && sim_.deaths_ < sim_.scenario_.crashes && sim_.Draw(20) == 0;
    sim_.Check(!sim_.log_lost_, "written to the log after a part of it was lost");
    sim_.post_.Do(when, [this, run, now, full, batch = std::move(batch)] {
      sim_.crash_.Tick();
      if (full) {
        sim_.log_lost_ = true;
        return std::optional(Message(LogWritten{Error::Environment("the disk is full")}));
      }
      auto written = store_.Append(run, now, batch);
      sim_.crash_.Tick();
      return std::optional(Message(LogWritten{std::move(written)}));
    });
  }

 private:
  SimulatedRun& sim_;
  state::RunStore& store_;
};

// Hears of what is durable, when the process may die once more.
class SimulatedRun::Watcher final : public RunObserver {
 public:
  explicit Watcher(SimulatedRun& sim) : sim_(sim) {}
  void RunStarted(RunId id, const pipelines::ExpandedPipeline&) override {
    sim_.run_ = id;
    sim_.crash_.Tick();
  }
  void TaskChanged(const TaskUpdate& update) override {
    sim_.CheckChange(update);
    sim_.Trace(fmt::format("task {} #{} {} -> {}  {}", update.task.index(), update.attempt.value,
                           core::TaskStateName(update.from), core::TaskStateName(update.to),
                           update.reason));
    sim_.crash_.Tick();
  }
  void TaskProgress(TaskId, double, const std::string&) override {}
  void TaskWarned(TaskId, const std::string&) override {}
  void RunFinished(const RunResult&) override {}

 private:
  SimulatedRun& sim_;
};

SimulatedRun::SimulatedRun(std::uint64_t seed, Scenario scenario, std::string folder,
                           SimCounts& counts)
    : random_(seed, "run"),
      scenario_(std::move(scenario)),
      counts_(counts),
      home_(Home::Open(folder, "/").value()),
      cancels_left_(scenario_.cancels ? 1 : 0),
      pipeline_(scenario_.pipeline) {
  for (std::size_t i = 0; i < pipeline_.tasks.size(); ++i) {
    for (pipelines::FileInput& file : pipeline_.tasks[TaskId(i)].files) {
      if (!file.node.empty()) continue;
      file.pattern = home_.path() + "/" + file.pattern;
      std::ofstream(file.pattern) << "0\n";
    }
  }
}

SimulatedRun::~SimulatedRun() = default;

void SimulatedRun::Trace(const std::string& what) const {
  if (counts_.trace)
    fmt::print("{:>10.3f}  {}\n", static_cast<double>(clock_.Now().ns) * 1e-9, what);
}

std::vector<std::string> SimulatedRun::Run() {
  const auto tasks = core::BuildGraph(pipeline_).value();
  const auto selection = SelectTasks(pipeline_, tasks, scenario_.options).value();
  fusion_ = core::Fuse(pipeline_, selection.wanted);
  node_ = std::make_unique<Node>(*this);
  const int lives_max = scenario_.crashes + 3 + resumes_left_;
  bool ended = false;
  for (int life = 0; life < lives_max && !ended && complaints_.empty(); ++life) {
    if (deaths_ < scenario_.crashes) {
      crash_.Plan(1 + Draw(kCallsPerLifeMax));
    } else {
      crash_.Disarm();
    }
    try {
      ended = Live();
    } catch (const SimCrash&) {
      Die();
    }
  }
  Check(ended || !complaints_.empty(), "the run does not end");
  crash_.Disarm();
  if (ended && complaints_.empty()) CheckStore();
  return std::move(complaints_);
}

bool SimulatedRun::Live() {
  ++counts_.lives;
  auto store = state::RunStore::Open(home_.DatabasePath()).value();
  store_ = &store;
  Committer committer(*this);
  Writer writer(*this, store);
  Watcher watcher(*this);
  const auto tasks = core::BuildGraph(pipeline_).value();
  const auto selection = SelectTasks(pipeline_, tasks, scenario_.options).value();
  const auto units = core::BuildUnitGraph(pipeline_, fusion_).value();
  RunLoop loop({home_, pipeline_, scenario_.options, clock_, watcher, *node_, committer, store,
                writer, units, fusion_, selection, fmt::format("boot {}", boots_), disk_});
  const auto running = store.RunningRuns().value();
  if (!run_ && running.empty()) {
    Check(loop.Begin().ok(), "the run does not begin");
  } else {
    run_ = run_ ? *run_ : running.back();
    const auto snapshot = store.Load(*run_).value();
    counts_.retaken_commits += snapshot.pending.size();
    const auto resumed = loop.Resume(*run_, snapshot);
    Check(resumed.ok(), "the run cannot be resumed");
    if (!resumed.ok()) return true;
  }
  if (cancels_left_ > 0) {
    --cancels_left_;
    post_.Send(clock_.Now() + Delay() + Delay(), Message(core::CancelRequested{Draw(2) == 0}));
  }
  Drive(loop);
  // The next process hears nothing of what was for this one.
  post_.Clear();
  const auto result = loop.Finish();
  Check(result.ok(), "the run cannot be finished");
  if (!result.ok()) return true;
  // What was cancelled is taken up again, and what others had kept from going on.
  const bool stranded = Is(*result, state::RunOutcome::kInterrupted) && resumes_left_-- > 0;
  counts_.stranded += stranded ? 1 : 0;
  return !stranded && !Is(*result, state::RunOutcome::kCancelled);
}

void SimulatedRun::Drive(RunLoop& loop) {
  std::vector<Message> due;
  for (int turn = 0; turn < kTurnsMax && complaints_.empty(); ++turn) {
    const auto turned = loop.Turn(std::exchange(due, {}));
    Check(turned.ok() || log_lost_, "a turn fails");
    if (!turned.ok()) throw SimCrash{};  // the program gives up
    Check(!log_lost_, "goes on although a part of the log was lost");
    loop.scheduler().CheckInvariants();
    if (loop.Done()) return;
    std::optional<Instant> next = loop.NextWakeup();
    if (post_.Next() && (!next || *post_.Next() < *next)) next = post_.Next();
    if (!next) {
      for (std::size_t i = 0; i < pipeline_.tasks.size(); ++i) {
        if (core::IsFinal(loop.scheduler().state(TaskId(i)))) continue;
        Check(false, fmt::format("task {} {} for ever", i, loop.scheduler().Explain(TaskId(i))));
      }
      return;
    }
    clock_.AdvanceTo(*next);
    if (scenario_.clock_jumps && Draw(20) == 0) {
      clock_.SetWall(static_cast<std::int64_t>(Draw(4'000'000'000'000'000)));
    }
    if (scenario_.lost_blobs && Draw(12) == 0) LoseBlob();
    if (scenario_.shifting && Draw(40) == 0) ShiftFile();
    if (scenario_.full_disks) disk_.SetFull(Draw(6) == 0);
    due = Receive();
  }
  Check(loop.Done(), "the run does not end");
}

std::vector<Message> SimulatedRun::Receive() {
  std::vector<Message> due;
  for (const Post::Item& item : post_.TakeUntil(clock_.Now())) {
    if (auto message = item()) due.push_back(std::move(*message));
  }
  return due;
}

// The process is gone, and perhaps the machine with it.
void SimulatedRun::Die() {
  ++deaths_;
  Trace("the process dies");
  ++counts_.crashes;
  counts_.lost_logs += log_lost_ ? 1 : 0;
  log_lost_ = false;
  crash_.Disarm();
  store_ = nullptr;
  post_.Clear();
  for (const std::string& line : state::ReplayLog(home_.DatabasePath())) Check(false, line);
  const bool power = scenario_.power_losses && Draw(3) == 0;
  node_->HeadDied(power);
  if (power) {
    ++counts_.power_losses;
    Trace("and the machine");
    ++boots_;
    disk_.LosePower([this](std::uint64_t bound) { return Draw(bound); });
  }
  disk_.SetFull(false);
  if (scenario_.lost_blobs && Draw(2) == 0) LoseBlob();
  if (scenario_.shifting && Draw(2) == 0) ShiftFile();
  gone_.clear();  // the next process looks before it launches
}

void SimulatedRun::LoseBlob() {
  const std::vector<std::string> blobs = disk_.Blobs();
  if (blobs.empty()) return;
  const std::string& blob = blobs[Draw(blobs.size())];
  Trace("lost " + blob);
  disk_.Remove(blob);
  gone_.insert(blob);
  ++losses_;
}

// Each state of a file is longer than the one before, and costs whoever reads it one attempt.
void SimulatedRun::ShiftFile() {
  if (shifts_left_ == 0) return;
  const std::string path = fmt::format("{}/f{}", home_.path(), Draw(3));
  bool read = false;
  for (std::size_t i = 0; i < pipeline_.tasks.size(); ++i) {
    for (const pipelines::FileInput& file : pipeline_.tasks[TaskId(i)].files) {
      if (file.pattern != path) continue;
      read = true;
      ++causes_[fusion_.unit[TaskId(i)]].infrastructure;
    }
  }
  if (!read) return;
  Trace("written " + path);
  std::ofstream(path, std::ios::app) << shifts_left_-- << "\n";
  ++counts_.shifts;
}

}  // namespace dml::engine
