// Goal: a year of daemons, in which every slot is accounted for once and none runs twice.
// Method: the production Timekeeper and store in virtual time. Daemons are killed at random
// instructions and come back late, two of them work on one store without knowing of each other,
// processes are lost or appear late, and the clock jumps both ways.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "base/quantity.h"
#include "orchestrator/schedule/timekeeper.h"

namespace dml::schedule {
namespace {

using state::ScheduleId;
using state::ScheduleRow;
using state::ScheduleStore;
using state::SlotId;
using state::SlotMove;
using state::SlotRow;
using state::SlotState;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'767'225'600 * kSecond;  // 2026-01-01T00:00Z

struct Killed {};  // a daemon has been killed

struct Process {
  SlotId slot;
  int starts = 0;
  int parent = 0;  // the incarnation of a daemon
  std::int64_t begins = 0;
  std::int64_t ends = 0;
  std::int64_t dies = 0;  // 0: it does not
  bool running = false;
  SlotState outcome = SlotState::kSucceeded;
};

class World {
 public:
  explicit World(unsigned seed)
      : random_(seed), store_(std::move(ScheduleStore::Open(":memory:")).value()) {}

  ScheduleId AddSchedule(const std::string& name, Json bound) {
    ScheduleRow row;
    row.name = name;
    row.file = "/" + name;
    row.policy = std::move(bound);
    row.created = row.cursor = Wall();
    const ScheduleId id = *store_.Add(row);
    longest_run_[id] = row.policy.value("longest_hours", 1) * kHour;
    return id;
  }

  [[nodiscard]] WallTime Wall() const { return {now_ + clock_error_}; }
  ScheduleStore& store() { return store_; }

  // Lets `span` pass with both daemons, faults and all.
  void Live(std::int64_t span, bool faults) {
    const std::int64_t end = now_ + span;
    if (!faults) clock_error_ = 0;
    while (now_ < end) {
      if (faults) Disturb();
      for (Daemon& daemon : daemons_) {
        if (faults || daemon.absent_until <= now_) Turn(daemon, faults);
      }
      now_ = std::min(end, NextMoment());
      RunProcesses(faults);
    }
    for (Daemon& daemon : daemons_) Turn(daemon, faults);
  }

  int turns = 0;
  int kills = 0;
  int jumps = 0;
  int losses = 0;
  std::map<SlotId, int> completions;

 private:
  class Processes;
  struct Daemon {
    std::unique_ptr<Processes> processes;
    std::unique_ptr<Timekeeper> keeper;
    std::int64_t absent_until = kStart;
    std::int64_t next_turn = kStart;
    int incarnation = 0;
  };

  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool Chance(double probability) { return std::bernoulli_distribution(probability)(random_); }

  void Disturb() {
    if (!Chance(0.002)) return;
    ++jumps;
    clock_error_ = Chance(0.5) ? 0 : Between(-5 * kHour, 26 * kHour);
    for (Daemon& daemon : daemons_) daemon.next_turn = now_;
  }

  void Turn(Daemon& daemon, bool faults);
  void RunProcesses(bool faults);
  void Begin(Process& process);
  std::int64_t NextMoment() const {
    std::int64_t next = now_ + 6 * kHour;
    for (const Daemon& daemon : daemons_) {
      next = std::min(next, std::max(daemon.absent_until, daemon.next_turn));
    }
    for (const Process& process : processes_) {
      next = std::min(next, process.running ? process.ends : process.begins);
      if (process.dies > 0) next = std::min(next, process.dies);
    }
    return std::max(now_ + kSecond / 10, next);
  }

  std::mt19937 random_;
  ScheduleStore store_;
  std::int64_t now_ = kStart;
  std::int64_t clock_error_ = 0;
  std::array<Daemon, 2> daemons_;
  int incarnations_ = 0;
  std::vector<Process> processes_;
  std::set<SlotId> finished_;
  std::map<ScheduleId, std::int64_t> longest_run_;
};

class World::Processes final : public SlotProcesses {
 public:
  Processes(World& world, int self) : world_(world), self_(self) {}
  bool faults = true;

  Result<void> Start(const ScheduleRow& schedule, const SlotRow& slot) override {
    MaybeKilled(0.01);
    Process process;
    process.slot = slot.id;
    process.starts = slot.starts;
    process.parent = self_;
    process.begins = world_.now_ + world_.Between(0, faults ? 40 * kSecond : kSecond);
    process.ends = process.begins + world_.Between(kSecond, world_.longest_run_[schedule.id]);
    if (faults && world_.Chance(0.03)) process.dies = world_.Between(process.begins, process.ends);
    if (faults && world_.Chance(0.05)) process.outcome = SlotState::kFailed;
    world_.processes_.push_back(process);
    MaybeKilled(0.01);
    return {};
  }

  RunSighting LookAtRun(const ScheduleRow&, const SlotRow&) override { return {}; }
  Sighting Look(const SlotRow& slot) override {
    MaybeKilled(0.0005);
    for (const Process& process : world_.processes_) {
      if (process.slot != slot.id) continue;
      if (process.running) return Sighting::kAlive;
      if (process.starts == slot.starts && process.parent == self_) return Sighting::kAlive;
    }
    return slot.state == SlotState::kRunning ? Sighting::kGone : Sighting::kUnknown;
  }

  bool Stop(const SlotRow& slot) override {
    for (Process& process : world_.processes_) {
      if (process.slot != slot.id || !process.running) continue;
      process.ends = world_.now_ + kSecond;
      process.outcome = SlotState::kCancelled;
      return true;
    }
    return false;
  }

 private:
  void MaybeKilled(double probability) {
    if (faults && world_.Chance(probability)) throw Killed();
  }
  World& world_;
  int self_;
};

void World::Turn(Daemon& daemon, bool faults) {
  if (now_ < daemon.absent_until) return;
  if (!daemon.keeper) {
    daemon.incarnation = ++incarnations_;
    daemon.processes = std::make_unique<Processes>(*this, daemon.incarnation);
    daemon.keeper = std::make_unique<Timekeeper>(store_, *daemon.processes, Timekeeper::Options{});
  }
  daemon.processes->faults = faults;
  if (faults && Chance(0.0005)) {
    daemon.keeper.reset();
    daemon.absent_until = now_ + Between(kSecond, 3 * kDay);
    ++kills;
    return;
  }
  try {
    ++turns;
    const auto next = daemon.keeper->Turn(Wall());
    ASSERT_TRUE(next.ok()) << next.error().Render();
    daemon.next_turn = now_ + 6 * kHour;
    if (*next) daemon.next_turn = std::min(daemon.next_turn, (*next)->us - clock_error_);
  } catch (const Killed&) {
    ++kills;
    daemon.keeper.reset();
    daemon.absent_until = now_ + Between(kSecond, kHour);
  }
}

void World::Begin(Process& process) {
  SlotMove move{
      process.slot, SlotState::kStarting, process.starts, SlotState::kRunning, {}, Wall(), 1,
      std::nullopt, std::nullopt};
  process.running = *store_.Move(move);
  if (!process.running) {
    process.dies = now_;  // fenced: somebody else was asked since
    return;
  }
  EXPECT_FALSE(finished_.contains(process.slot)) << "a finished slot ran again";
  const auto live = std::ranges::count_if(processes_, [&](const Process& other) {
    return other.running && other.slot == process.slot;
  });
  EXPECT_EQ(live, 1) << "slot " << process.slot.value << " runs twice at once";
}

void World::RunProcesses(bool faults) {
  for (Process& process : processes_) {
    if (!faults) process.dies = 0;
    const bool lost = process.dies > 0 && process.dies <= now_;
    const bool event = lost || (process.running ? process.ends : process.begins) <= now_;
    // The real loop looks every second; here it does where something may have changed.
    for (Daemon& daemon : daemons_) {
      if (!event) break;
      daemon.next_turn = std::min(daemon.next_turn, now_ + Between(0, 25) * kSecond);
    }
    if (lost) {
      losses += process.running ? 1 : 0;
    } else if (!process.running && process.begins <= now_) {
      Begin(process);
    } else if (process.running && process.ends <= now_) {
      SlotMove move{
          process.slot, SlotState::kRunning, process.starts, process.outcome, {}, Wall(), 0,
          std::nullopt, std::nullopt};
      EXPECT_TRUE(*store_.Move(move)) << "whoever holds the lock can say how it ended";
      finished_.insert(process.slot);
      ++completions[process.slot];
      process.dies = now_;
    }
  }
  std::erase_if(processes_,
                [&](const Process& process) { return process.dies > 0 && process.dies <= now_; });
}

// Every instant of the timetable is in exactly one row, and every row says what became of it.
void ExpectAccounted(World& world, ScheduleId id, WallTime from) {
  const ScheduleRow schedule = *world.store().Schedule(id);
  const Timetable timetable = ReadPolicy(schedule.policy)->timetable;
  std::vector<SlotRow> rows = *world.store().History(id, 1'000'000);
  std::ranges::sort(rows, {}, &SlotRow::due);
  std::size_t row = 0;
  std::size_t instants = 0;
  const WallTime now = world.Wall();
  for (auto due = timetable.Next(from); due && *due <= now; due = timetable.Next(*due)) {
    ++instants;
    while (row < rows.size() && rows[row].last < *due) ++row;
    ASSERT_LT(row, rows.size()) << schedule.name << ": " << FormatUtc(*due) << " has no row";
    ASSERT_LE(rows[row].due, *due) << schedule.name << ": " << FormatUtc(*due) << " has no row";
  }
  EXPECT_GT(instants, 0U);
  std::map<SlotState, int> states;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SlotRow& slot = rows[i];
    ++states[slot.state];
    if (i > 0) {
      ASSERT_LT(rows[i - 1].last, slot.due) << "two rows for one instant";
    }
    if (slot.state == SlotState::kSkipped) {
      EXPECT_FALSE(slot.reason.empty());
      EXPECT_LE(slot.due, now) << "nothing is given up before its time";
      EXPECT_EQ(world.completions[slot.id], 0);
    }
    if (slot.state == SlotState::kSucceeded) {
      EXPECT_EQ(world.completions[slot.id], 1);
    }
    EXPECT_TRUE(IsFinal(slot.state) || slot.due > WallTime{now.us - 2 * kDay})
        << schedule.name << " " << FormatUtc(slot.due) << " is still " << SlotStateName(slot.state);
  }
  EXPECT_GT(states[SlotState::kSucceeded], 0) << schedule.name;
}

struct Life {
  unsigned seed;
  int days;
};
class SimulatedYear : public ::testing::TestWithParam<Life> {};

TEST_P(SimulatedYear, AccountsForEverySlotOnce) {
  World world(GetParam().seed);
  const WallTime from = world.Wall();
  const auto jitter = Duration::Seconds(600).ns;
  std::vector<ScheduleId> ids;
  ids.push_back(world.AddSchedule("hourly", {{"cron", "0 */2 * * *"}, {"overlap", "skip"}}));
  ids.push_back(world.AddSchedule("new_york", {{"cron", "30 2 * * *"},
                                               {"timezone", "America/New_York"},
                                               {"catchup", "all"},
                                               {"overlap", "queue_all"},
                                               {"longest_hours", 30}}));
  ids.push_back(world.AddSchedule("lord_howe", {{"cron", "*/30 1-3 * * *"},
                                                {"timezone", "Australia/Lord_Howe"},
                                                {"overlap", "allow"},
                                                {"jitter", jitter}}));
  ids.push_back(world.AddSchedule("busy", {{"every", Duration::Seconds(6 * 3600).ns},
                                           {"overlap", "cancel_previous"},
                                           {"catchup", "none"},
                                           {"longest_hours", 10}}));
  ids.push_back(world.AddSchedule("london", {{"cron", "15 1 * * SUN"},
                                             {"timezone", "Europe/London"},
                                             {"overlap", "queue_one"},
                                             {"catchup_window", Duration::Seconds(86'400).ns},
                                             {"start_deadline", Duration::Seconds(7200).ns}}));
  world.Live(GetParam().days * kDay, /*faults=*/true);
  world.Live(2 * kDay, /*faults=*/false);  // what is open may end
  for (const ScheduleId id : ids) ExpectAccounted(world, id, from);
  std::cout << "turns " << world.turns << ", kills " << world.kills << ", clock jumps "
            << world.jumps << ", lost processes " << world.losses << "\n";
  const int enough = GetParam().days / 20;
  EXPECT_GT(world.kills, enough);
  EXPECT_GT(world.jumps, enough);
  EXPECT_GT(world.losses, enough);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedYear,
                         ::testing::Values(Life{1, 365}, Life{2, 60}, Life{3, 60}, Life{4, 60}));

}  // namespace
}  // namespace dml::schedule
