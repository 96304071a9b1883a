#include "runners/node/upkeep.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "base/process.h"
#include "runners/agent/attempt_record.h"
#include "runners/node/blob_cache.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

constexpr int kRetryMs = 20;

// The living agent of a folder.
std::optional<ProcessId> FindAgent(const std::string& root) {
  const auto text = ReadFile(root + "/agent.pid");
  if (!text.ok()) return std::nullopt;
  try {
    const Json json = Json::parse(*text);
    const ProcessId agent{json.at("pid").get<int>(), json.at("start").get<std::int64_t>(),
                          json.at("boot").get<std::string>()};
    return IsAlive(agent) ? std::optional(agent) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

template <typename See>
void ForEachRecord(const std::string& root, See see) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/records", error)) {
    const auto record = agent::ReadRecord(entry.path().string());
    if (record.ok()) see(*record);
  }
}

bool Runs(const agent::AttemptRecord& record) { return !record.exited && IsAlive(record.worker); }

}  // namespace

Json Survey(const std::string& root) {
  std::int64_t running = 0;
  std::int64_t finished = 0;
  std::int64_t bytes = 0;
  ForEachRecord(root, [&](const agent::AttemptRecord& record) {
    running += Runs(record) ? 1 : 0;
    finished += record.exited ? 1 : 0;
  });
  std::error_code error;
  for (fs::recursive_directory_iterator it(root + "/blobs", error); !error && it != fs::end(it);
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) bytes += static_cast<std::int64_t>(it->file_size(ignored));
  }
  const auto agent = FindAgent(root);
  return {{"agent", agent ? agent->pid : 0},
          {"running", running},
          {"finished", finished},
          {"blobs", bytes}};
}

Result<void> TakeDown(const std::string& root, bool force) {
  std::int64_t running = 0;
  ForEachRecord(root, [&](const agent::AttemptRecord& record) { running += Runs(record) ? 1 : 0; });
  if (running > 0 && !force) {
    return Error::Busy(fmt::format("{} attempts run there", running),
                       "wait for them, or end them with --force");
  }
  const SystemClock clock;
  const Instant deadline = clock.Now() + kAgentStopMax;
  if (const auto agent = FindAgent(root)) {
    SignalProcess(*agent, SIGCONT);
    SignalProcess(*agent, SIGTERM);
    while (IsAlive(*agent) && clock.Now() < deadline) ::poll(nullptr, 0, kRetryMs);
    if (IsAlive(*agent)) SignalProcess(*agent, SIGKILL);
  }
  // What an agent that was killed has left.
  ForEachRecord(root, [](const agent::AttemptRecord& record) {
    if (!Runs(record)) return;
    if (record.command_pid > 0) ::kill(-record.command_pid, SIGKILL);
    SignalProcess(record.worker, SIGKILL);
  });
  std::error_code error;
  for (const char* name : {"attempts", "blobs", "blobs.boot", "logs", "records", "agent.sock",
                           "agent.lock", "agent.pid", "agent.log", "bin"}) {
    fs::remove_all(root + "/" + name, error);
    if (error) return Error::System("cannot remove '" + root + "/" + name + "'", error.value());
  }
  ::rmdir(root.c_str());
  return {};
}

Result<std::int64_t> CollectGarbage(const std::string& root, Duration age) {
  DML_TRY(const BlobCache blobs, BlobCache::Open(root));
  return blobs.Collect(age);
}

}  // namespace dml::node
