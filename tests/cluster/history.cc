#include "tests/cluster/history.h"

#include <fmt/format.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "base/files.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/state/database.h"
#include "tests/e2e/leavings.h"

namespace dml::cluster {

namespace fs = std::filesystem;

namespace {

using core::TaskState;
using Lines = std::vector<std::string>;

constexpr int kLooksMax = 500;
constexpr int kLookMs = 20;

struct TaskHistory {
  std::string name;
  TaskState state = TaskState::kBlocked;
  std::set<std::int64_t> launched = {};
  std::set<std::int64_t> given_up = {};
  std::vector<std::int64_t> committed = {};
  bool after_fence = false;
};

bool IsBack(TaskState state) {
  return state == TaskState::kReady || state == TaskState::kBackoff || IsFinal(state);
}

Result<std::map<std::int64_t, TaskHistory>> Read(const std::string& home) {
  DML_TRY(state::Database db, state::Database::Open(home + "/dml.db", state::OpenMode::kReadOnly));
  std::map<std::int64_t, TaskHistory> tasks;
  DML_TRY(state::Statement table,
          db.Prepare("SELECT task, name, state FROM tasks WHERE run = (SELECT max(id) FROM runs)"));
  while (true) {
    DML_TRY(const bool row, table.Step());
    if (!row) break;
    tasks[table.Int(0)].name = table.Text(1);
    tasks[table.Int(0)].state = static_cast<TaskState>(table.Int(2));
  }
  DML_TRY(state::Statement log,
          db.Prepare("SELECT task, attempt, from_state, to_state FROM events WHERE run = "
                     "(SELECT max(id) FROM runs) ORDER BY seq"));
  while (true) {
    DML_TRY(const bool row, log.Step());
    if (!row) return tasks;
    TaskHistory& task = tasks[log.Int(0)];
    const std::int64_t attempt = log.Int(1);
    const auto from = static_cast<TaskState>(log.Int(2));
    const auto to = static_cast<TaskState>(log.Int(3));
    if (to == TaskState::kLaunching) task.launched.insert(attempt);
    if (to == TaskState::kSucceeded) {
      task.committed.push_back(attempt);
      task.after_fence |= task.given_up.contains(attempt);
    } else if (core::IsInFlight(from) && IsBack(to)) {
      task.given_up.insert(attempt);
    }
  }
}

// The only run of the folder.
std::string LogsOf(const std::string& home) {
  std::error_code ignored;
  std::string newest;
  for (const auto& run : fs::directory_iterator(home + "/runs", ignored)) {
    newest = std::max(newest, run.path().string());
  }
  return newest + "/logs";
}

// By task; of the attempt that counts.
std::map<std::string, std::string> Logs(const std::string& home, Lines& wrong) {
  std::map<std::string, std::string> logs;
  const auto tasks = Read(home);
  if (!tasks.ok()) return wrong.push_back(tasks.error().Render()), logs;
  std::map<std::string, std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(LogsOf(home), ignored)) {
    const auto text = ReadFile(entry.path().string());
    files[entry.path().stem().string()] = text.ok() ? *text : "(unreadable)";
  }
  for (const auto& [number, task] : *tasks) {
    if (task.committed.empty()) continue;
    logs[task.name] = files[fmt::format("{}.{}", task.name, task.committed.back())];
  }
  return logs;
}

void CheckTasks(const std::string& home, Lines& wrong) {
  const auto tasks = Read(home);
  if (!tasks.ok()) return wrong.push_back(tasks.error().Render());
  if (tasks->empty()) wrong.emplace_back("there is no run");
  for (const auto& [number, task] : *tasks) {
    if (task.state != TaskState::kSucceeded) {
      wrong.push_back(fmt::format("{} is {}", task.name, core::TaskStateName(task.state)));
    }
    if (task.committed.size() != 1) {
      wrong.push_back(fmt::format("{} has {} commits", task.name, task.committed.size()));
    }
    if (task.after_fence) wrong.push_back(task.name + ": an attempt counts that was given up");
  }
}

void CheckSameBytes(const std::string& home, const std::string& reference, Lines& wrong) {
  if (e2e::BlobsOf(home) != e2e::BlobsOf(reference)) wrong.emplace_back("other blobs than alone");
  const auto here = Logs(home, wrong);
  const auto there = Logs(reference, wrong);
  for (const auto& [task, log] : there) {
    const auto found = here.find(task);
    const std::string text = found == here.end() ? "(none)" : found->second;
    if (text == log) continue;
    wrong.push_back(fmt::format("the log of {} is '{}' and not '{}'", task, text.substr(0, 200),
                                log.substr(0, 200)));
  }
}

Lines LeftOnNode(const ssh::Server& server) {
  Lines left;
  const std::string root = server.FromHere(server.root());
  std::error_code ignored;
  for (const char* folder : {"/records", "/attempts", "/logs"}) {
    for (const auto& entry : fs::directory_iterator(root + folder, ignored)) {
      left.push_back(server.name() + ": " + entry.path().string());
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(root + "/blobs", ignored)) {
    if (entry.path().extension() == ".part") {
      left.push_back(server.name() + ": " + entry.path().string());
    }
  }
  for (const pid_t pid : server.Processes()) {
    const auto text = ReadFile(fmt::format("/proc/{}/cmdline", pid));
    const std::string line = text.ok() ? *text : "";
    const bool own = line.find("/dml-worker-") != std::string::npos;
    if (!line.empty() && !own) left.push_back(fmt::format("{}: {} {}", server.name(), pid, line));
  }
  return left;
}

}  // namespace

std::vector<std::string> CheckHistory(const std::string& home, const std::string& reference,
                                      ssh::SshdFixture& servers) {
  Lines wrong = e2e::LeavingsOf(home);
  CheckTasks(home, wrong);
  CheckSameBytes(home, reference, wrong);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    Lines left = LeftOnNode(servers.server(i));
    for (int look = 0; look < kLooksMax && !left.empty(); ++look) {
      ::poll(nullptr, 0, kLookMs);
      left = LeftOnNode(servers.server(i));
    }
    wrong.insert(wrong.end(), left.begin(), left.end());
  }
  return wrong;
}

std::vector<int> AttemptsOf(const std::string& home) {
  std::vector<int> counts;
  const auto tasks = Read(home);
  if (!tasks.ok()) return counts;
  for (const auto& [number, task] : *tasks) {
    counts.push_back(static_cast<int>(task.launched.size()));
  }
  return counts;
}

}  // namespace dml::cluster
