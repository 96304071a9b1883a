// Goal: whatever happens in whatever order, the scheduler keeps its promises.
// Method: random graphs, policies and events from a seed; invariants recomputed after each event;
// an independent checker watches the commands alone.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "orchestrator/core/scheduler.h"

namespace dml::core {
namespace {

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed, "world") {
    const std::size_t tasks = 1 + Draw(30);
    std::vector<TaskGraph::Edge> edges;
    policies_ = IdMap<TaskId, TaskPolicy>(tasks);
    for (std::size_t i = 0; i < tasks; ++i) {
      for (std::size_t n = Draw(4); n > 0 && i > 0; --n)
        edges.push_back({TaskId(Draw(i)), TaskId(i)});
      TaskPolicy& policy = policies_[TaskId(i)];
      policy.retry.limit = static_cast<int>(Draw(3));
      policy.cpus = 1 + static_cast<double>(Draw(2));
      policy.queueable = policy.cpus < 2 && Draw(2) == 0;
      policy.heeds_failures = Draw(8) != 0;
    }
    graph_ = TaskGraph::Build(tasks, edges).value();
    options_ = {.cpus = 1 + static_cast<double>(Draw(4)),
                .prefetch = static_cast<int>(Draw(3)),
                .keep_going = Draw(2) == 0,
                .seed = seed};
  }

  void Run() {
    Scheduler scheduler(graph_, policies_, options_);
    scheduler_ = &scheduler;
    Apply(Started{});
    int steps = 0;
    while (!scheduler.Done()) {
      ASSERT_LT(++steps, 10'000) << "the run does not end";
      Step();
    }
    EXPECT_TRUE(live_.empty());
  }

 private:
  std::uint64_t Draw(std::uint64_t bound) { return random_.Below(bound, counter_++); }

  void Apply(const Event& event) {
    std::vector<Command> commands;
    scheduler_->Apply(event, now_, commands);
    scheduler_->CheckInvariants();
    for (const Command& command : commands) Watch(command);
  }

  void Watch(const Command& command) {
    if (const auto* ask = std::get_if<Resolve>(&command)) unresolved_.push_back(ask->task);
    if (const auto* start = std::get_if<Launch>(&command)) {
      for (const TaskId producer : graph_.producers(start->task)) {
        EXPECT_TRUE(IsFinal(scheduler_->state(producer)));
        if (policies_[start->task].heeds_failures) {
          EXPECT_TRUE(HasOutputs(scheduler_->state(producer)));
        }
      }
      EXPECT_TRUE(live_.emplace(start->task, start->attempt).second) << "two live attempts";
      EXPECT_GT(start->attempt.value, launched_[start->task]);
      launched_[start->task] = start->attempt.value;
    }
    if (const auto* commit = std::get_if<Commit>(&command))
      committing_[commit->task] = commit->attempt;
    if (const auto* kill = std::get_if<Kill>(&command)) killed_.insert(kill->task);
    if (const auto* change = std::get_if<Change>(&command)) {
      EXPECT_TRUE(CanMove(change->from, change->to));
      if (change->to == TaskState::kSucceeded) {
        EXPECT_TRUE(succeeded_.insert(change->task).second) << "committed twice";
      }
    }
  }

  void Step() {
    now_ = now_ + Duration::Millis(static_cast<std::int64_t>(Draw(3000)));
    if (!unresolved_.empty() && Draw(2) == 0) return ResolveOne();
    if (!committing_.empty() && Draw(2) == 0) return CommitOne();
    if (!live_.empty() && Draw(4) != 0) return EndOne();
    if (Draw(200) == 0) return Apply(CancelRequested{Draw(2) == 0});
    if (Draw(20) == 0) return Stale();
    Apply(TimePassed{});
  }

  void ResolveOne() {
    const TaskId task = unresolved_.back();
    unresolved_.pop_back();
    switch (Draw(10)) {
      case 0:
        return Apply(ResolvedReuse{task, "same"});
      case 1:
        return Apply(ResolvedSkip{task, "if"});
      case 2:
        return Apply(ResolvedFailure{task, Error::Invalid("bad")});
      default:
        return Apply(ResolvedRun{task});
    }
  }

  void CommitOne() {
    const auto [task, attempt] = *committing_.begin();
    committing_.erase(committing_.begin());
    if (Draw(10) == 0) {
      return Apply(AttemptFailed{task, attempt, FailureKind::kInfrastructure, 1,
                                 Error::Environment("disk full")});
    }
    Apply(Committed{task, attempt});
    if (Draw(4) == 0) Apply(Committed{task, attempt});  // heard twice
  }

  void EndOne() {
    auto it = live_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(Draw(live_.size())));
    const auto [task, attempt] = *it;
    if (Draw(3) == 0) return Apply(AttemptRunning{task, attempt});
    live_.erase(it);
    if (killed_.erase(task) > 0) return Apply(AttemptStopped{task, attempt});
    switch (Draw(5)) {
      case 0:
        return Apply(AttemptFailed{task, attempt, FailureKind::kTask, 1, Error::Task("exit 1")});
      case 1:
        return Apply(AttemptFailed{task, attempt, FailureKind::kInfrastructure, 1,
                                   Error::Environment("lost")});
      default:
        return Apply(AttemptSucceeded{task, attempt});
    }
  }

  // Something about an attempt that is long gone, or that never was.
  void Stale() {
    const TaskId task(Draw(graph_.size()));
    const std::uint32_t current = scheduler_->attempt(task).value;
    const AttemptNumber old{current == 0 ? 7 : current - 1};
    Apply(AttemptSucceeded{task, old});
    Apply(AttemptFailed{task, old, FailureKind::kTask, 1, Error::Task("late")});
    Apply(Committed{task, old});
  }

  Philox random_;
  std::uint64_t counter_ = 0;
  TaskGraph graph_;
  IdMap<TaskId, TaskPolicy> policies_;
  SchedulerOptions options_;
  Scheduler* scheduler_ = nullptr;
  Instant now_{0};
  std::vector<TaskId> unresolved_;
  std::map<TaskId, AttemptNumber> live_;
  std::map<TaskId, AttemptNumber> committing_;
  std::map<TaskId, std::uint32_t> launched_;
  std::set<TaskId> killed_;
  std::set<TaskId> succeeded_;
};

TEST(SchedulerRandom, KeepsItsPromisesForManySeeds) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    World(seed).Run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dml::core
