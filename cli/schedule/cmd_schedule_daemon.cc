#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "base/quantity.h"
#include "cli/pipeline/pipeline_file.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/daemon_voice.h"
#include "cli/schedule/schedule_home.h"
#include "cli/schedule/slot_leavings.h"
#include "cli/schedule/slot_processes.h"
#include "cli/signals.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/state/database.h"

namespace dml::cli {

namespace {

struct DaemonOptions {
  int runs_max = 8;
  bool if_none = false;
};

// A wait that a signal ends.
class StopSign {
 public:
  StopSign() : signals_([this](int, int) { Raise(); }) {}

  // True once the daemon is to stop.
  bool WaitFor(Duration limit) {
    std::unique_lock lock(mutex_);
    return raised_.wait_for(lock, std::chrono::nanoseconds(limit.ns), [&] { return stop_; });
  }

 private:
  void Raise() {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    raised_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable raised_;
  bool stop_ = false;  // guarded by mutex_
  SignalWatcher signals_;
};

// Pipeline files whose rules may have changed since the schedule was added.
class FileWatch {
 public:
  explicit FileWatch(WallTime there_since) : there_since_(there_since) {}

  // Takes over the new `schedule:` of files that were written since the last look. One that is
  // invalid now leaves the old rules, and is reported.
  Result<void> Look(state::ScheduleStore& store, const DaemonVoice& voice) {
    there_since_ = std::min(there_since_, SystemClock().Wall());
    DML_TRY(const std::vector<state::ScheduleRow> schedules, store.Schedules());
    for (const state::ScheduleRow& schedule : schedules) {
      struct stat info {};
      const bool gone = ::stat(schedule.file.c_str(), &info) != 0;
      const Stamp stamp =
          gone ? Stamp{}
               : Stamp{info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino};
      const auto [known, first] = stamps_.try_emplace(schedule.id, Stamp{});
      if (!first && known->second == stamp) continue;
      known->second = stamp;
      DML_RETURN_IF_ERROR(Refresh(store, schedule, voice));
    }
    return {};
  }

 private:
  using Stamp = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::uint64_t>;

  Result<void> Refresh(state::ScheduleStore& store, const state::ScheduleRow& schedule,
                       const DaemonVoice& voice) const {
    std::string path;
    const auto loaded = LoadNamedPipeline({schedule.file, schedule.sets, {}}, path);
    if (!loaded.ok() || !loaded->ok()) {
      voice.Warn(fmt::format("{}: {}; its old schedule stays", schedule.name,
                             Harmless(WhyFileIsInvalid(schedule))));
      return {};
    }
    Json policy = loaded->schedule;
    if (!policy.is_object()) {
      if (!schedule.overrides.contains("cron")) return {};
      policy = Json::object();
    }
    if (schedule.overrides.contains("cron")) policy.erase("every");
    policy.update(schedule.overrides);
    if (CanonicalJson(policy) == CanonicalJson(schedule.policy)) return {};
    const auto readable = schedule::ReadPolicy(policy);
    if (!readable.ok()) return {};
    const WallTime now = SystemClock().Wall();
    DML_RETURN_IF_ERROR(
        schedule::BringUpToDate(store, schedule.id, now, std::min(there_since_, now)));
    DML_RETURN_IF_ERROR(store.SetPolicy(schedule.id, policy));
    DML_RETURN_IF_ERROR(store.Log(schedule.id, now, "changed with the pipeline file"));
    voice.Say("schedule", fmt::format("{}: the schedule in the file has changed: {}", schedule.name,
                                      readable->timetable.Text()));
    return {};
  }

  WallTime there_since_;  // by the clock as it is set now
  std::map<state::ScheduleId, Stamp> stamps_;
};

// The file of the schedules, as long as its name stands for it: who moves it away, because it is
// damaged, wants another to be used.
class StoreFile {
 public:
  explicit StoreFile(std::string path) : path_(std::move(path)) { inode_ = Inode(); }

  [[nodiscard]] Result<void> CheckInPlace() const {
    if (Inode() == inode_) return {};
    return Error::Environment(
        fmt::format("the schedules '{}' were moved away or replaced while they were in use", path_),
        "start the daemon again: it works with what is there now");
  }

 private:
  [[nodiscard]] ino_t Inode() const {
    struct stat info {};
    return ::stat(path_.c_str(), &info) == 0 ? info.st_ino : 0;
  }

  std::string path_;
  ino_t inode_ = 0;
};

Result<void> Tick(OpenedSchedules& schedules, FileWatch& files, schedule::Timekeeper& keeper,
                  std::optional<WallTime>& look_again, const DaemonVoice& voice) {
  DML_RETURN_IF_ERROR(files.Look(schedules.store, voice));
  DML_TRY(look_again, keeper.Turn(SystemClock().Wall()));
  return {};
}

// Those that were lost are reported by the timekeeper.
void SayEnded(OpenedSchedules& schedules, const std::vector<state::SlotId>& ended,
              const DaemonVoice& voice) {
  for (const state::SlotId id : ended) {
    TidySlot(schedules, id);
    const auto slot = schedules.store.Slot(id);
    if (!slot.ok() || !IsFinal(slot->state)) continue;
    const auto schedule = schedules.store.Schedule(slot->schedule);
    const std::string name = schedule.ok() ? schedule->name : "?";
    voice.SayOfSlot(
        fmt::format("{} {}: {}{}{}", name, FormatUtc(slot->due).substr(0, 19) + "Z",
                    SlotStateName(slot->state), slot->reason.empty() ? "" : ", ", slot->reason),
        SlotJson(*slot, name, schedules.home));
  }
}

Result<ExitCode> Serve(OpenedSchedules& schedules, const DaemonOptions& options,
                       WallTime there_since, StopSign& sign, const DaemonVoice& voice) {
  TidySlots(schedules);
  SlotProcesses processes(schedules.home);
  schedule::Timekeeper keeper(
      schedules.store, processes,
      {options.runs_max, [&](const std::string& text) { voice.SayOfSlot(text); }, there_since});
  FileWatch files(there_since);
  const StoreFile store(SchedulePath(schedules.home));
  std::string trouble;
  while (true) {
    DML_RETURN_IF_ERROR(store.CheckInPlace());
    std::optional<WallTime> look_again;
    const auto ticked = Tick(schedules, files, keeper, look_again, voice);
    if (!ticked.ok() && state::IsDamage(ticked.error())) return ticked.error();
    // A full disk or a locked database may pass: what is due is still due then.
    if (!ticked.ok() && ticked.error().message != trouble) voice.Problem(ticked.error());
    trouble = ticked.ok() ? std::string() : ticked.error().message;
    SayEnded(schedules, processes.Reap(), voice);
    Duration wait = schedule::kLookEvery;
    if (look_again) {
      const std::int64_t left_us = look_again->us - SystemClock().Wall().us;
      wait = std::clamp(Duration{left_us * 1000}, Duration::Millis(1), wait);
    }
    if (sign.WaitFor(wait)) break;
  }
  SayEnded(schedules, processes.Reap(), voice);
  const std::size_t running = processes.running();
  voice.Say("stopped", running == 0
                           ? "stopped"
                           : fmt::format("stopped; {} running slots go on by themselves", running));
  return ExitCode::kDone;
}

Result<ExitCode> RunDaemon(const DaemonOptions& options, const std::string& home_flag,
                           const Output& output) {
  DML_TRY(OpenedSchedules schedules, MakeSchedules(home_flag));
  const DaemonVoice voice(output);
  // One that stands by is there: what the first did not get to is late, not missed.
  const WallTime there_since = SystemClock().Wall();
  StopSign sign;
  bool waiting = false;
  while (true) {
    auto lock = engine::FileLock::Take(DaemonLockPath(schedules.home), "the schedule of this home");
    if (lock.ok()) {
      voice.Say("working", "at work in " + schedules.home);
      Result<ExitCode> served = Serve(schedules, options, there_since, sign, voice);
      // Whoever reads lines has had some: the last one says why there are no more.
      if (!served.ok() && output.format() == Format::kJson) voice.Problem(served.error());
      return served;
    }
    if (lock.error().kind != ErrorKind::kBusy) return std::move(lock).error();
    if (options.if_none) return ExitCode::kDone;
    if (!std::exchange(waiting, true)) {
      voice.Say("waiting", "standing by: " + lock.error().message);
    }
    if (sign.WaitFor(schedule::kLookEvery)) return ExitCode::kDone;
  }
}

}  // namespace

Action SetupScheduleDaemon(Args& args, CommonOptions& common) {
  auto options = std::make_shared<DaemonOptions>();
  args.Number("--max-runs", "N", options->runs_max, 1, 1000,
              "runs at once, over all schedules (default: 8)");
  args.Flag("--if-none", options->if_none, "leave at once if a daemon is at work here already");
  args.Describe(
      "Stays in the foreground and ends with SIGTERM or Ctrl-C; runs that it has started go on. A\n"
      "second daemon of the same home stands by until the first is gone. It may be killed at any\n"
      "moment: the next one accounts for every slot that has passed. With -o json it says on\n"
      "stdout what it does, one JSON document a line.");
  args.Example("dml schedule daemon", "start what is due");
  args.Example("dml schedule install", "let systemd or cron keep it running");
  return [options, &common](Output& output) { return RunDaemon(*options, common.home, output); };
}

}  // namespace dml::cli
