#include "runners/ssh/placement_notes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <sstream>
#include <utility>

#include "base/file_descriptor.h"
#include "base/files.h"

namespace dml::ssh {

namespace {

std::string FolderOf(const std::string& home, RunId run) {
  return fmt::format("{}/runs/r{}/logs", home, run.value);
}

std::string WaitsPath(const std::string& home) { return home + "/cluster-waits.json"; }

std::string WaitName(RunId run, TaskId task) {
  return fmt::format("r{}.{}", run.value, task.value);
}

}  // namespace

void PlacementNotes::Went(const runners::AttemptKey& key, const std::string& where) {
  if (home_.empty()) return;
  lines_[key.run] += CanonicalJson({key.task.value, key.attempt.value, where}) + "\n";
}

void PlacementNotes::Wait(const std::map<runners::AttemptKey, std::string>& why) {
  if (home_.empty()) return;
  Json json = Json::object();
  for (const auto& [key, text] : why) json[WaitName(key.run, key.task)] = text;
  std::string text = why.empty() ? "" : CanonicalJson(json);
  if (text == waits_) return;
  if (text.empty()) {
    ::unlink(WaitsPath(home_).c_str());
  } else {
    static_cast<void>(WriteFileAtomic(WaitsPath(home_), text));
  }
  waits_ = std::move(text);
}

void PlacementNotes::Flush() {
  for (const auto& [run, lines] : std::exchange(lines_, {})) {
    const std::string folder = FolderOf(home_, run);
    if (!MakeDirectories(folder).ok()) continue;
    const FileDescriptor file(::open((folder + "/placement.jsonl").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (file.get() >= 0) static_cast<void>(WriteAll(file.get(), lines));
  }
}

void PlacementNotes::Close() {
  Wait({});
  Flush();
}

std::map<std::uint32_t, std::string> ReadWent(const std::string& home, RunId run, TaskId task) {
  std::map<std::uint32_t, std::string> went;
  const auto text = ReadFile(FolderOf(home, run) + "/placement.jsonl");
  if (!text.ok()) return went;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool fine = json.is_array() && json.size() == 3 && json[0].is_number() &&
                      json[1].is_number() && json[2].is_string();
    if (!fine || json[0].get<std::uint32_t>() != task.value) continue;
    went[json[1].get<std::uint32_t>()] = json[2].get<std::string>();
  }
  return went;
}

std::string ReadWait(const std::string& home, RunId run, TaskId task) {
  const auto text = ReadFile(WaitsPath(home));
  if (!text.ok()) return "";
  const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return "";
  const auto found = json.find(WaitName(run, task));
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace dml::ssh
