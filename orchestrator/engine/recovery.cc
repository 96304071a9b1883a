#include "orchestrator/engine/recovery.h"

#include <charconv>
#include <filesystem>

#include "base/crash_point.h"
#include "base/process.h"
#include "orchestrator/engine/checkpoints.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/run_owner.h"

namespace dml::engine {

namespace fs = std::filesystem;

Result<void> RecoverRun(const Home& home, state::RunStore& store, runners::Runner& runner,
                        RunId run) {
  DML_TRY(const std::vector<state::OpenAttempt> attempts, store.OpenAttempts(run));
  std::set<std::string> keep;
  for (const state::OpenAttempt& open : attempts) {
    const std::string path = home.AttemptPath(run, open.name, open.attempt);
    if (open.state == core::TaskState::kCommitting) {
      keep.insert(path);  // whole: a resumed run stores it
      continue;
    }
    DML_TRY(const runners::AttemptStatus status, runner.Find({run, open.task, open.attempt}));
    if (!std::holds_alternative<runners::AttemptUnknown>(status)) keep.insert(path);
  }
  SweepAttempts(home, run, keep);
  CrashPoint("recovery.swept");
  return store.MarkRun(run, state::RunOutcome::kInterrupted);
}

Result<void> RecoverDeadRuns(const Home& home, state::RunStore& store, runners::Runner& runner) {
  DML_TRY(const std::vector<RunId> running, store.RunningRuns());
  for (const RunId run : running) {
    if (OwnerOfRun(home.path(), run)) continue;
    ForgetDeadOwner(home, run);
    DML_RETURN_IF_ERROR(RecoverRun(home, store, runner, run));
  }
  SweepTemporaries(home);
  return SweepCheckpoints(home, store);
}

Result<void> TidyDeadRuns(const Home& home, runners::Runner& runner) {
  DML_TRY(const FileLock gate, FileLock::Wait(home.GateLockPath()));
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  return RecoverDeadRuns(home, store, runner);
}

Result<void> SweepUnfinished(const Home& home, state::RunStore& store, RunId run) {
  DML_TRY(const std::vector<state::OpenAttempt> attempts, store.OpenAttempts(run));
  std::set<std::string> keep;
  for (const state::OpenAttempt& open : attempts) {
    if (open.state != core::TaskState::kCommitting) continue;
    keep.insert(home.AttemptPath(run, open.name, open.attempt));
  }
  SweepAttempts(home, run, keep);
  return {};
}

void SweepAttempts(const Home& home, RunId run, const std::set<std::string>& keep) {
  std::error_code ignored;
  for (const auto& task : fs::directory_iterator(home.RunPath(run), ignored)) {
    if (task.path().filename() == "logs" || !task.is_directory(ignored)) continue;
    for (const auto& attempt : fs::directory_iterator(task.path(), ignored)) {
      if (!keep.contains(attempt.path().string())) fs::remove_all(attempt.path(), ignored);
    }
    if (fs::is_empty(task.path(), ignored)) fs::remove(task.path(), ignored);
  }
}

// Names begin with the number and the start of the process that writes them.
void SweepTemporaries(const Home& home) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home.TemporaryPath(), ignored)) {
    const std::string name = entry.path().filename().string();
    ProcessId writer;
    writer.boot = BootId();
    const char* const end = name.data() + name.size();
    const auto [after_pid, bad_pid] = std::from_chars(name.data(), end, writer.pid);
    if (bad_pid == std::errc() && after_pid != end) {
      std::from_chars(after_pid + 1, end, writer.start);
    }
    if (!IsAlive(writer)) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace dml::engine
