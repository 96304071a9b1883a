#include "tests/sim/simulated_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/state/run_view.h"

namespace dml::engine {

namespace {

using core::TaskState;

constexpr int kTurnsMax = 20'000;

}  // namespace

// The node: every attempt ends after a while, in a way that the seed decides.
class SimulatedRun::Node final : public runners::Runner {
 public:
  explicit Node(SimulatedRun& sim) : sim_(sim) {}
  [[nodiscard]] runners::Capacity Total() const override {
    return {sim_.scenario_.cpus, sim_.scenario_.memory_bytes};
  }
  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override {
    for (runners::LaunchSpec& spec : batch) {
      sim_.CheckLaunch(spec);
      const runners::AttemptKey key = spec.key;
      sim_.live_.emplace(key, std::move(spec));
      Script(key);
    }
    return {};
  }
  void Kill(runners::AttemptKey key, runners::KillMode) override {
    sim_.Check(sim_.live_.contains(key), "kill of an attempt that is not live");
    Tell(sim_.Delay(), Exit(key, runners::ExitKilled{}));
  }
  Result<runners::AttemptStatus> Find(runners::AttemptKey) override {
    return runners::AttemptStatus(runners::AttemptUnknown{});
  }
  void Shutdown() override {}

 private:
  static runners::AttemptExited Exit(const runners::AttemptKey& key, runners::ExitReason reason) {
    runners::AttemptExited exit{key, std::move(reason), Json::object(), {}, {}};
    exit.metrics = {{"n", key.task.index()}};
    return exit;
  }
  void Tell(Duration after, runners::RunnerEvent event) {
    sim_.post_.Send(sim_.clock_.Now() + after, Message(std::move(event)));
  }
  void Script(const runners::AttemptKey& key) {
    const Scenario& scenario = sim_.scenario_;
    const Duration start = sim_.Delay();
    if (sim_.Draw(4) != 0) Tell(start, runners::AttemptStarted{key, 7});
    const Duration end = start + sim_.Delay();
    if (scenario.losses && sim_.Draw(8) == 0) {
      Tell(end, runners::AttemptLost{key, Error::Environment("the worker vanished")});
    } else {
      Tell(end, Exit(key, Reason()));
    }
    if (!scenario.echoes) return;
    if (sim_.Draw(3) == 0) Tell(end + sim_.Delay(), Exit(key, runners::ExitSuccess{}));
    if (sim_.Draw(3) == 0) Tell(end + sim_.Delay(), runners::AttemptStarted{key, 8});
    if (sim_.Draw(3) == 0) {
      Tell(end + sim_.Delay(), runners::AttemptLost{key, Error::Environment("late news")});
    }
  }
  runners::ExitReason Reason() {
    if (!sim_.scenario_.failures) return runners::ExitSuccess{};
    switch (sim_.Draw(12)) {
      case 0:
        return runners::ExitFailure{Error::Task("exit 1"), 1};
      case 1:
        return runners::ExitFailure{Error::Invalid("bad row"), 2};
      case 2:
        return runners::ExitSignal{9, true};
      case 3:
        return runners::ExitTimeout{};
      default:
        return runners::ExitSuccess{};
    }
  }

  SimulatedRun& sim_;
};

// The committer: no files, an output per port whose content follows from the task's inputs.
class SimulatedRun::Committer final : public Background {
 public:
  explicit Committer(SimulatedRun& sim) : sim_(sim) {}
  void Commit(CommitJob job) override {
    CommitReport report{job.task, job.attempt, std::vector<Artifact>(), {}};
    if (sim_.scenario_.commit_failures && sim_.Draw(6) == 0) {
      report.outputs = Error::Environment("the disk is full");
    } else {
      std::vector<Artifact> outputs;
      for (const PortSpec& port : job.outputs) {
        const Digest digest = Sha256::Of(fmt::format("{}", job.task.index() % 5));
        outputs.push_back({port.name, port.kind, {}, digest});
      }
      report.outputs = std::move(outputs);
    }
    const Instant when = sim_.clock_.Now() + sim_.Delay();
    if (sim_.scenario_.echoes && sim_.Draw(3) == 0) {
      sim_.post_.Send(when + sim_.Delay(), Message(report));
    }
    sim_.post_.Send(when, Message(std::move(report)));
  }
  void HashFile(std::string) override {}
  void Discard(std::string) override {}

 private:
  SimulatedRun& sim_;
};

SimulatedRun::SimulatedRun(std::uint64_t seed, std::string folder)
    : seed_(seed),
      folder_(std::move(folder)),
      random_(seed, "run"),
      scenario_(Scenario::From(seed)) {}

void SimulatedRun::CheckLaunch(const runners::LaunchSpec& spec) {
  // Observers hear of moves once these are durable, so this is what had been stored by now.
  for (; heard_ < observer_.updates.size(); ++heard_) {
    const TaskUpdate& update = observer_.updates[heard_];
    if (core::HasOutputs(update.to)) committed_.insert(update.task);
  }
  const TaskId task = spec.key.task;
  for (const auto& edge : scenario_.pipeline.tasks[task].inputs) {
    const bool inside = scenario_.pipeline.tasks[edge.producer].row_local;
    Check(inside || committed_.contains(edge.producer), "launched before its producer was stored");
  }
  double cpus = scenario_.pipeline.tasks[task].resources.cpus;
  std::int64_t memory = scenario_.pipeline.tasks[task].resources.memory_bytes;
  std::size_t others = 0;
  for (const auto& [key, live] : live_) {
    Check(key.task != task, "two live attempts of one task");
    cpus += scenario_.pipeline.tasks[key.task].resources.cpus;
    memory += live.memory_bytes;
    ++others;
  }
  const bool alone = others == 0;
  Check(alone || cpus <= scenario_.cpus + scenario_.options.prefetch_max, "too many cpus in use");
  Check(alone || scenario_.memory_bytes == 0 || memory <= scenario_.memory_bytes,
        "too much memory in use");
  Check(spec.key.attempt.value == ++launches_[task], "attempt numbers have gaps");
  const auto budget = static_cast<std::uint32_t>(scenario_.pipeline.tasks[task].retry.limit + 1 +
                                                 core::kInfrastructureRetriesMax);
  Check(launches_[task] <= budget, "more attempts than the budgets allow");
}

std::vector<std::string> SimulatedRun::Run() {
  const Home home = Home::Open(folder_, "/").value();
  auto store = state::RunStore::Open(":memory:").value();
  if (seed_ % 20 == 0) store = state::RunStore::Open(home.DatabasePath()).value();
  const auto tasks = core::BuildGraph(scenario_.pipeline).value();
  const auto selection = SelectTasks(scenario_.pipeline, tasks, scenario_.options).value();
  const auto fusion = core::Fuse(scenario_.pipeline, selection.wanted);
  const auto units = core::BuildUnitGraph(scenario_.pipeline, fusion).value();
  Node node(*this);
  Committer committer(*this);
  RunLoop loop({home, scenario_.pipeline, scenario_.options, clock_, observer_, node, committer,
                store, units, fusion, selection});
  Check(loop.Begin().ok(), "the run does not begin");
  if (scenario_.cancels) {
    post_.Send(clock_.Now() + Delay() + Delay(), Message(core::CancelRequested{Draw(2) == 0}));
  }
  std::vector<Message> due;
  for (int turn = 0; !loop.Done() && turn < kTurnsMax; ++turn) {
    for (const Message& message : due) {
      const auto* event = std::get_if<runners::RunnerEvent>(&message);
      if (event == nullptr) continue;
      if (const auto* exit = std::get_if<runners::AttemptExited>(event)) live_.erase(exit->key);
      if (const auto* lost = std::get_if<runners::AttemptLost>(event)) live_.erase(lost->key);
    }
    Check(loop.Turn(std::move(due)).ok(), "a turn fails");
    loop.scheduler().CheckInvariants();
    std::optional<Instant> next = loop.NextWakeup();
    if (post_.Next() && (!next || *post_.Next() < *next)) next = post_.Next();
    if (loop.Done()) break;
    if (!next) {
      for (std::size_t i = 0; i < scenario_.pipeline.tasks.size(); ++i) {
        const TaskId task(i);
        if (core::IsFinal(loop.scheduler().state(task))) continue;
        Check(false, fmt::format("task {} {} for ever", i, loop.scheduler().Explain(task)));
      }
      return complaints_;
    }
    clock_.AdvanceTo(*next);
    due = post_.TakeUntil(clock_.Now());
  }
  Check(loop.Done(), "the run does not end");
  Check(loop.Finish().ok(), "the run cannot be finished");
  Check(live_.empty(), "attempts outlive the run");
  if (seed_ % 20 == 0) CheckStore(home, loop, loop.run());
  return complaints_;
}

// What was told to the observer is what the store says, by its table and by its log.
void SimulatedRun::CheckStore(const Home& home, const RunLoop& loop, RunId run) {
  auto view = state::RunView::Open(home.path()).value();
  const std::vector<state::TaskView> tasks = view.Tasks(run).value();
  for (const state::TaskView& task : tasks) {
    const auto fusion_state = loop.scheduler().state(task.id);
    const bool absorbed = fusion_state == TaskState::kSkipped;
    Check(core::IsFinal(task.state), "a task of the store is not final");
    Check(absorbed || task.state == fusion_state, "the store and the scheduler differ");
    if (task.attempts.empty()) continue;
    const state::AttemptView& last = task.attempts.back();
    const bool told = last.number == task.attempt &&
                      (last.ended_as == task.state || !last.ended || core::IsFinal(task.state));
    Check(told, "the log and the table differ");
  }
}

}  // namespace dml::engine
