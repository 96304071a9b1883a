#include "tests/e2e/leavings.h"

#include <poll.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/files.h"
#include "base/hash.h"
#include "tests/state/log_replay.h"

namespace dml::e2e {

namespace fs = std::filesystem;

namespace {

constexpr int kLooksMax = 250;
constexpr int kLookMs = 20;

// Processes that carry the home's mark; see runners/agent/orphans.h.
std::vector<std::string> ProcessesOf(const std::string& home) {
  std::vector<std::string> complaints;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const auto environment = ReadFile(entry.path().string() + "/environ");
    if (!environment.ok() || environment->find("DML_OWNER=") == std::string::npos) continue;
    if (environment->find(' ' + home + '\0') == std::string::npos) continue;
    complaints.push_back("process " + entry.path().filename().string() + " still lives");
  }
  return complaints;
}

void AddFiles(const std::string& folder, const std::string& what,
              std::vector<std::string>& complaints) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    complaints.push_back(what + " " + entry.path().string());
  }
}

}  // namespace

std::set<std::string> BlobsOf(const std::string& home) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(home + "/store/blobs", ignored)) {
    if (entry.is_regular_file()) names.insert(entry.path().filename().string());
  }
  return names;
}

std::vector<std::string> LivingOf(const std::string& home) {
  std::vector<std::string> found = ProcessesOf(home);
  for (int look = 0; look < kLooksMax && !found.empty(); ++look) {
    ::poll(nullptr, 0, kLookMs);
    found = ProcessesOf(home);
  }
  return found;
}

std::vector<std::string> LeavingsOf(const std::string& home) {
  std::vector<std::string> complaints;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(home + "/store/blobs", ignored)) {
    if (!entry.is_regular_file()) continue;
    const auto digest = HashFile(entry.path().string());
    if (!digest.ok() || digest->Hex() != entry.path().filename().string()) {
      complaints.push_back("a damaged file " + entry.path().string());
    }
  }
  AddFiles(home + "/store/tmp", "a temporary file", complaints);
  for (const auto& run : fs::directory_iterator(home + "/runs", ignored)) {
    for (const auto& task : fs::directory_iterator(run.path(), ignored)) {
      if (task.path().filename() != "logs") AddFiles(task.path(), "an attempt", complaints);
    }
  }
  AddFiles(home + "/checkpoints", "a checkpoint", complaints);
  for (std::string& line : LivingOf(home)) complaints.push_back(std::move(line));
  for (std::string& line : state::ReplayLog(home + "/dml.db")) complaints.push_back(line);
  return complaints;
}

}  // namespace dml::e2e
