#include "runners/node/upkeep.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "runners/agent/orphans.h"
#include "runners/node/attempt_paths.h"
#include "runners/node/blob_cache.h"
#include "runners/node/drain.h"
#include "runners/node/record_book.h"
#include "runners/node/territory.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

// The living agent of a folder.
std::optional<ProcessId> FindAgent(const std::string& root) {
  const auto text = ReadFile(root + "/agent.pid");
  if (!text.ok()) return std::nullopt;
  try {
    const Json json = Json::parse(*text);
    if (!json.at("pid").is_number_integer() || !json.at("start").is_number_integer()) {
      return std::nullopt;
    }
    const ProcessId agent{json.at("pid").get<int>(), json.at("start").get<std::int64_t>(),
                          json.at("boot").get<std::string>()};
    return IsAlive(agent) ? std::optional(agent) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool Runs(const agent::AttemptRecord& record) { return !record.exited && IsAlive(record.worker); }

// Processes that were told to end, by a descriptor of each.
class Deathbed {
 public:
  Deathbed() = default;
  ~Deathbed() {
    for (const auto& [pid, fd] : fds_) ::close(fd);
  }
  Deathbed(const Deathbed&) = delete;
  Deathbed& operator=(const Deathbed&) = delete;

  void Add(int pid) {
    const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd >= 0 && !fds_.emplace(pid, fd).second) ::close(fd);
  }
  // kEnvironment names the first that is still there at `deadline`.
  Result<void> Wait(Instant deadline) const {
    const SystemClock clock;
    for (const auto& [pid, fd] : fds_) {
      const std::int64_t left_ms = (deadline - clock.Now()).ns / 1'000'000;
      pollfd ended{fd, POLLIN, 0};
      if (::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(0, left_ms))) == 1) continue;
      return Error::Environment(fmt::format("the process {} does not end", pid),
                                "it may wait for a disk or a network share; try again later");
    }
    return {};
  }

 private:
  std::map<int, int> fds_;  // by process
};

// Unfinished attempts, their worker dead or alive.
Result<void> EndAttempts(const std::string& root) {
  Deathbed deathbed;
  for (const RecordBook::Entry& entry : RecordBook::Read(root)) {
    const agent::AttemptRecord& record = entry.record;
    if (record.exited || record.worker.boot != BootId()) continue;
    // The worker first: it would note how its command ended, or begin with the next attempt.
    if (SignalProcess(record.worker, SIGKILL)) deathbed.Add(record.worker.pid);
    if (agent::SignalCommand(record, SIGKILL)) deathbed.Add(record.command_pid);
  }
  return deathbed.Wait(SystemClock().Now() + kDeathMax);
}

Result<void> EndAgent(const std::string& root) {
  const auto agent = FindAgent(root);
  if (!agent) return {};
  const SystemClock clock;
  Deathbed deathbed;
  SignalProcess(*agent, SIGCONT);
  if (!SignalProcess(*agent, SIGTERM)) return {};
  deathbed.Add(agent->pid);
  if (deathbed.Wait(clock.Now() + kAgentStopMax).ok()) return {};
  SignalProcess(*agent, SIGKILL);
  return deathbed.Wait(clock.Now() + kDeathMax);
}

// Of tasks that never came back to this node.
void ExpireCheckpoints(const std::string& root) {
  constexpr auto kAge = std::chrono::hours(7 * 24);
  std::error_code ignored;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(root + "/checkpoints", ignored)) {
    auto touched = fs::last_write_time(entry.path(), ignored);
    for (const auto& file : fs::recursive_directory_iterator(entry.path(), ignored)) {
      touched = std::max(touched, fs::last_write_time(file.path(), ignored));
    }
    if (fs::file_time_type::clock::now() - touched > kAge) old.push_back(entry.path());
  }
  for (const fs::path& path : old) fs::remove_all(path, ignored);
}

}  // namespace

Json Survey(const std::string& root) {
  std::int64_t running = 0;
  std::int64_t finished = 0;
  std::int64_t bytes = 0;
  for (const RecordBook::Entry& entry : RecordBook::Read(root)) {
    running += Runs(entry.record) ? 1 : 0;
    finished += entry.record.exited ? 1 : 0;
  }
  std::error_code error;
  for (fs::recursive_directory_iterator it(root + "/blobs", error); !error && it != fs::end(it);
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) bytes += static_cast<std::int64_t>(it->file_size(ignored));
  }
  const auto agent = FindAgent(root);
  const Error refused = WhyNotClaim(root).value_or(Error());
  return {{"agent", agent ? agent->pid : 0},
          {"running", running},
          {"finished", finished},
          {"drained", DrainReason(root)},
          {"refused", refused.message},
          {"remedy", refused.hint},
          {"blobs", bytes}};
}

Result<int> EndLeftovers(const std::string& root) {
  const auto runs = [&](int pid) {
    const auto entries = RecordBook::Read(root);
    return std::ranges::any_of(entries, [&](const RecordBook::Entry& entry) {
      return entry.record.worker.pid == pid && Runs(entry.record);
    });
  };
  return agent::EndOrphansOfAgents(root, runs);
}

Result<std::vector<std::string>> TakeDown(const std::string& root, bool force,
                                          const std::string& shared_dir) {
  const auto entries = RecordBook::Read(root);
  const auto running = std::ranges::count_if(
      entries, [](const RecordBook::Entry& entry) { return Runs(entry.record); });
  if (running > 0 && !force) {
    return Error::Busy(fmt::format("{} attempts run there", running),
                       "wait for them, or end them with --force");
  }
  DML_RETURN_IF_ERROR(EndAgent(root));
  // What an agent that was killed has left.
  DML_RETURN_IF_ERROR(EndAttempts(root));
  DML_RETURN_IF_ERROR(EndLeftovers(root));
  if (!shared_dir.empty()) DML_RETURN_IF_ERROR(SharedBlobs(shared_dir).Remove());
  return RemoveOwn(root);
}

namespace {

// Attempts that ended so long ago that their heads would have asked. With an agent, that is its
// affair.
void ExpireAttempts(const std::string& root, Duration age) {
  if (FindAgent(root)) return;
  const std::int64_t now = SystemClock().Wall().us;
  std::vector<agent::RecordPlace> places;
  std::vector<std::string> names;
  for (const RecordBook::Entry& entry : RecordBook::Read(root)) {
    if (Runs(entry.record) || entry.record.noted.us > now - age.ns / 1000) continue;
    places.push_back(entry.place);
    names.push_back(entry.name);
  }
  RecordBook::DropUnled(root, places);
  for (const std::string& name : names) AttemptPaths(root, name).Remove();
}

}  // namespace

Result<std::int64_t> CollectGarbage(const std::string& root, Duration age,
                                    const std::string& shared_dir) {
  if (!IsOwn(root)) {
    return Error::Environment("'" + root + "' is not a folder of dml", "run `dml cluster setup`");
  }
  ExpireCheckpoints(root);
  ExpireAttempts(root, std::max(age, kEndedMax));
  DML_TRY(const BlobCache blobs, BlobCache::Open(root));
  const std::int64_t shared =
      shared_dir.empty() ? 0 : CollectBlobs(SharedBlobs(shared_dir).folder(), age);
  return blobs.Collect(age) + shared;
}

}  // namespace dml::node
