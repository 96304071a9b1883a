#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/quantity.h"
#include "cli/child.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/schedule_home.h"
#include "cli/signals.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/schedule/policy.h"
#include "orchestrator/schedule/time_text.h"
#include "orchestrator/state/run_store.h"
#include "orchestrator/state/run_view.h"

namespace dml::cli {

namespace {

using state::SlotMove;
using state::SlotRow;
using state::SlotState;

constexpr Duration kPoll = Duration::Millis(200);
constexpr Duration kAskAgainMax = Duration::Seconds(16);

struct SlotOptions {
  int slot = 0;
  int start = 0;
};

// How a slot ends, and why.
struct Ending {
  SlotState state = SlotState::kSucceeded;
  std::string reason;
  std::optional<int> exit_code;
};

// One slot: `dml run` as a child, again and again while another run of the pipeline is in the way,
// or `dml resume` of what an earlier process of this slot has begun. That a slot never has two runs
// is seen to by the store of the runs: the key of the slot is given to one.
class SlotRunner {
 public:
  SlotRunner(OpenedSchedules& schedules, SlotRow slot, state::ScheduleRow schedule,
             schedule::Policy policy)
      : schedules_(schedules),
        slot_(std::move(slot)),
        schedule_(std::move(schedule)),
        policy_(std::move(policy)),
        signals_([this](int signal, int) { signal_ = signal; }) {}

  Result<Ending> Run() {
    while (true) {
      DML_RETURN_IF_ERROR(FindRun());
      WaitForOwner();
      DML_TRY(const std::optional<Ending> known, EndingOfEarlier());
      if (known) return *known;
      if (signal_ != 0) return EndingOf(128 + signal_);
      const bool resumed = slot_.run.has_value();
      DML_TRY(const int code, RunOnce());
      DML_RETURN_IF_ERROR(FindRun());
      // Left alone by its slot, the run may have ended while it was being resumed.
      if (resumed && code == static_cast<int>(ExitCode::kUsage)) {
        DML_TRY(const std::optional<Ending> meanwhile, EndingOfEarlier());
        if (meanwhile) return *meanwhile;
      }
      if (WasKilled(code) && ++deaths_ < kDeathsMax) continue;
      if (code != static_cast<int>(ExitCode::kAlreadyRunning)) return EndingOf(code);
      if (const auto given_up = WhyNotAgain()) return *given_up;
    }
  }
  [[nodiscard]] const SlotRow& slot() const { return slot_; }

 private:
  // The run of an earlier process may have come to its end without it.
  Result<std::optional<Ending>> EndingOfEarlier() {
    if (!slot_.run) return std::optional<Ending>();
    DML_RETURN_IF_ERROR(FinishHooks());
    DML_TRY(state::RunView view, state::RunView::Open(schedules_.home));
    DML_TRY(const state::RunSummary run, view.Find(RunName()));
    if (run.outcome == "succeeded") return std::optional(Ending{});
    if (run.outcome == "cancelled") {
      return std::optional(Ending{SlotState::kCancelled, RunName() + WhyStopped(), std::nullopt});
    }
    if (run.outcome == "failed") {
      return std::optional(Ending{SlotState::kFailed, RunName() + " failed", std::nullopt});
    }
    return std::optional<Ending>();
  }

  // Those that its process did not get to, which was killed: `dml resume` runs them.
  Result<void> FinishHooks() {
    DML_TRY(const engine::Home home, engine::Home::Open(schedules_.home, "."));
    DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
    DML_TRY(const int due, store.DueHook(*slot_.run));
    if (due == 0) return {};
    DML_TRY([[maybe_unused]] const int code, RunOnce());
    return {};
  }

  // By a signal that nobody sends to have it end in order.
  [[nodiscard]] bool WasKilled(int code) const {
    return code > 128 && code != static_cast<int>(ExitCode::kInterrupted) &&
           code != static_cast<int>(ExitCode::kTerminated) && signal_ == 0;
  }

  [[nodiscard]] std::string RunName() const { return fmt::format("r{}", slot_.run->value); }

  [[nodiscard]] std::vector<std::string> Command() const {
    std::vector<std::string> argv{"/proc/self/exe"};
    if (slot_.run) {
      argv.insert(argv.end(), {"resume", RunName()});
    } else {
      argv.insert(argv.end(),
                  {"run", schedule_.file, "--id-file", SlotRunPath(schedules_.home, slot_.id),
                   "--once", SlotKey(schedule_, slot_), "--parent", std::to_string(::getpid()),
                   "--at", schedule::FormatIn(policy_.timetable.zone(), slot_.due)});
      for (const Json& set : schedule_.sets) {
        argv.insert(argv.end(), {"-S", set.get<std::string>()});
      }
      if (const auto cluster = schedule_.overrides.find("cluster");
          cluster != schedule_.overrides.end()) {
        argv.insert(argv.end(), {"--cluster", cluster->get<std::string>()});
      }
      const bool beside_others = policy_.overlap == schedule::Overlap::kAllow || slot_.parallel > 1;
      if (beside_others) argv.emplace_back("--concurrent");
    }
    argv.insert(argv.end(), {"--home", schedules_.home});
    return argv;
  }

  Result<int> RunOnce() {
    Child::Options options;
    options.log_path = SlotLogPath(schedules_.home, slot_.id);
    options.directory = std::filesystem::path(schedule_.file).parent_path().string();
    DML_TRY(Child child, Child::Start(Command(), options));
    int told = 0;
    while (true) {
      if (const auto code = child.Wait(kPoll)) return *code;
      NoteRun();
      const int signal = signal_;
      // The run ends its tasks and says so; a second signal would kill them.
      if (signal != 0 && std::exchange(told, signal) == 0) ::kill(child.pid(), signal);
    }
  }

  // As soon as the run has an id the slot knows it, so that nobody begins another one.
  void NoteRun() {
    if (slot_.run) return;
    const auto text = ReadFile(SlotRunPath(schedules_.home, slot_.id));
    if (!text.ok() || text->size() < 2 || text->front() != 'r') return;
    std::int64_t id = 0;
    for (const char c : text->substr(1)) {
      if (c >= '0' && c <= '9') id = id * 10 + (c - '0');
    }
    SetRun(RunId{id});
  }

  // What the store does not hear now it hears when the slot ends, or finds again by the key.
  void SetRun(RunId run) {
    slot_.run = run;
    static_cast<void>(schedules_.store.SetRun(slot_.id, slot_.starts, run));
  }

  // Also one whose process was killed before it wrote its id, or that outlived an earlier process
  // of this slot.
  Result<void> FindRun() {
    NoteRun();
    if (slot_.run) return {};
    DML_TRY(const engine::Home home, engine::Home::Open(schedules_.home, "."));
    DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
    DML_TRY(const std::optional<RunId> run, store.FindOnce(SlotKey(schedule_, slot_)));
    if (run) SetRun(*run);
    return {};
  }

  // The run goes on without the process that began it: it is left to whoever drives it.
  void WaitForOwner() {
    if (!slot_.run) return;
    int told = 0;
    while (const auto owner = engine::OwnerOfRun(schedules_.home, *slot_.run)) {
      const int signal = signal_;
      if (signal != 0 && std::exchange(told, signal) == 0) SignalProcess(owner->process, signal);
      std::this_thread::sleep_for(kNap);
    }
  }

  // Another run of the pipeline is going on: by hand, or of another schedule of the same file.
  std::optional<Ending> WhyNotAgain() {
    const WallTime now = SystemClock().Wall();
    if (signal_ != 0) return EndingOf(128 + signal_);
    const std::int64_t deadline_us = slot_.not_before.us + policy_.start_deadline.ns / 1000;
    if (policy_.start_deadline.ns > 0 && now.us > deadline_us && !slot_.run &&
        slot_.origin != state::SlotOrigin::kBackfill) {
      return Ending{SlotState::kSkipped,
                    "deadline: it could not start within " + FormatDuration(policy_.start_deadline),
                    std::nullopt};
    }
    const SystemClock clock;
    const Instant until = clock.Now() + ask_again_;
    ask_again_ = std::min(ask_again_ + ask_again_, kAskAgainMax);
    while (signal_ == 0 && clock.Now() < until) std::this_thread::sleep_for(kNap);
    return std::nullopt;
  }

  [[nodiscard]] Ending EndingOf(int code) const {
    const std::string run = slot_.run ? RunName() : "the run";
    switch (static_cast<ExitCode>(code)) {
      case ExitCode::kDone:
        return {SlotState::kSucceeded, {}, code};
      case ExitCode::kInterrupted:
      case ExitCode::kTerminated:
        return {SlotState::kCancelled, run + WhyStopped(), code};
      case ExitCode::kTaskFailed:
        return {SlotState::kFailed, run + " failed", code};
      case ExitCode::kUsage:
        return {SlotState::kFailed, "the pipeline or its data are invalid: see " + Log(), code};
      case ExitCode::kInfrastructure:
      case ExitCode::kAlreadyRunning:
        break;
    }
    return {SlotState::kFailed, fmt::format("{} ended with code {}: see {}", run, code, Log()),
            code};
  }

  [[nodiscard]] std::string WhyStopped() const {
    const auto row = schedules_.store.Slot(slot_.id);
    const bool asked = row.ok() && row->stop_requested;
    return asked ? " was stopped to make room for a newer slot" : " was stopped";
  }
  [[nodiscard]] std::string Log() const { return SlotLogPath(schedules_.home, slot_.id); }

  static constexpr auto kNap = std::chrono::milliseconds(50);
  OpenedSchedules& schedules_;
  SlotRow slot_;
  state::ScheduleRow schedule_;
  schedule::Policy policy_;
  static constexpr int kDeathsMax = 4;  // of the run, in one life of the slot
  int deaths_ = 0;
  Duration ask_again_ = Duration::Seconds(1);
  std::atomic<int> signal_{0};
  SignalWatcher signals_;
};

SlotMove MoveOf(const SlotRow& slot, SlotState to) {
  SlotMove move;
  move.slot = slot.id;
  move.from = slot.state;
  move.starts = slot.starts;
  move.to = to;
  move.now = SystemClock().Wall();
  move.run = slot.run;
  return move;
}

Result<ExitCode> RunSlot(const SlotOptions& options, const std::string& home_flag,
                         const Output& output) {
  DML_TRY(OpenedSchedules schedules, OpenSchedules(home_flag));
  DML_TRY(SlotRow slot, schedules.store.Slot({options.slot}));
  DML_TRY(state::ScheduleRow schedule, schedules.store.Schedule(slot.schedule));
  DML_TRY(schedule::Policy policy, schedule::ReadPolicy(schedule.policy));
  DML_TRY(const engine::FileLock lock,
          engine::FileLock::Take(SlotLockPath(schedules.home, slot.id), schedule.name));
  slot.state = SlotState::kStarting;
  slot.starts = options.start;
  SlotMove begin = MoveOf(slot, SlotState::kRunning);
  begin.process = ::getpid();
  DML_TRY(const bool mine, schedules.store.Move(begin));
  if (!mine) {
    output.Note("this start has been given up for a newer one");
    return ExitCode::kDone;
  }
  CrashPoint("slot.running");
  slot.state = SlotState::kRunning;
  SlotRunner runner(schedules, slot, std::move(schedule), std::move(policy));
  Result<Ending> ended = runner.Run();
  CrashPoint("slot.done");
  if (!ended.ok()) ended = Ending{SlotState::kFailed, ended.error().message, std::nullopt};
  SlotMove end = MoveOf(runner.slot(), ended->state);
  end.reason = ended->reason;
  end.exit_code = ended->exit_code;
  DML_TRY([[maybe_unused]] const bool ended_by_us, schedules.store.Move(end));
  CrashPoint("slot.ended");
  // From here on the run tells the rest.
  ::unlink(SlotRunPath(schedules.home, slot.id).c_str());
  if (end.to == SlotState::kSucceeded) ::unlink(SlotLogPath(schedules.home, slot.id).c_str());
  return ExitCode::kDone;
}

}  // namespace

Action SetupScheduleSlot(Args& args, CommonOptions& common) {
  auto options = std::make_shared<SlotOptions>();
  args.Number("--slot", "ID", options->slot, 1, 2'000'000'000, "the slot");
  args.Number("--start", "N", options->start, 1, 1'000'000, "which of its starts this is");
  args.Describe("Started by `dml schedule daemon`.");
  return [options, &common](Output& output) { return RunSlot(*options, common.home, output); };
}

}  // namespace dml::cli
