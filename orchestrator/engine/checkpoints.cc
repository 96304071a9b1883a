#include "orchestrator/engine/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "orchestrator/engine/artifact_store.h"

namespace dml::engine {

namespace fs = std::filesystem;

namespace {

// visit(key, folder, owner) for each.
template <typename Visit>
Result<void> ForEachCheckpoint(const Home& home, const Visit& visit) {
  std::error_code ignored;
  for (const auto& key : fs::directory_iterator(home.CheckpointFolder(), ignored)) {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(key.path(), ignored)) {
      folders.push_back(entry.path());
    }
    for (const fs::path& folder : folders) {
      DML_RETURN_IF_ERROR(visit(key.path().filename().string(), folder));
    }
    if (fs::is_empty(key.path(), ignored)) fs::remove(key.path(), ignored);
  }
  return {};
}

// "r12.3": the run and the task.
std::optional<std::pair<RunId, TaskId>> OwnerOf(const std::string& name) {
  const char* const end = name.data() + name.size();
  if (!name.starts_with('r')) return std::nullopt;
  std::int64_t run = 0;
  std::uint32_t task = 0;
  const auto [dot, bad_run] = std::from_chars(name.data() + 1, end, run);
  if (bad_run != std::errc() || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, task).ec != std::errc()) return std::nullopt;
  return std::pair(RunId{run}, TaskId(task));
}

Result<bool> IsDone(const Home& home, state::RunStore& store, const std::string& key) {
  const auto digest = Digest::FromHex(key);
  if (!digest.ok()) return false;
  DML_TRY(const std::optional<state::TaskResult> result, store.FindResult(*digest));
  return result && ArtifactStore(home, DiskFiles()).Holds(result->outputs);
}

Result<bool> IsDone(state::RunStore& store, RunId run, TaskId task) {
  const auto snapshot = store.Load(run);
  if (!snapshot.ok() && snapshot.error().kind == ErrorKind::kInvalid) return true;
  if (!snapshot.ok()) return snapshot.error();
  if (snapshot->outcome == state::RunOutcomeName(state::RunOutcome::kSucceeded) ||
      snapshot->outcome == state::RunOutcomeName(state::RunOutcome::kFailed)) {
    return true;
  }
  return task.index() >= snapshot->tasks.size() || core::HasOutputs(snapshot->tasks[task].state);
}

fs::file_time_type LastTouched(const fs::path& folder) {
  std::error_code ignored;
  fs::file_time_type last = fs::last_write_time(folder, ignored);
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    last = std::max(last, fs::last_write_time(entry.path(), ignored));
  }
  return last;
}

}  // namespace

Result<void> SweepCheckpoints(const Home& home, state::RunStore& store) {
  return ForEachCheckpoint(
      home, [&](const std::string& key, const fs::path& folder) -> Result<void> {
        const auto owner = OwnerOf(folder.filename().string());
        DML_TRY(const bool done,
                owner ? IsDone(store, owner->first, owner->second) : IsDone(home, store, key));
        std::error_code ignored;
        if (done) fs::remove_all(folder, ignored);
        return {};
      });
}

std::int64_t ExpireCheckpoints(const Home& home, Duration age, bool dry_run) {
  std::int64_t count = 0;
  const auto expire = [&](const std::string&, const fs::path& folder) -> Result<void> {
    const auto idle = fs::file_time_type::clock::now() - LastTouched(folder);
    if (idle < std::chrono::nanoseconds(age.ns)) return {};
    ++count;
    std::error_code ignored;
    if (!dry_run) fs::remove_all(folder, ignored);
    return {};
  };
  static_cast<void>(ForEachCheckpoint(home, expire).ok());
  return count;
}

}  // namespace dml::engine
