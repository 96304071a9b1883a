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

constexpr const char* kPlacementFile = "/placement.jsonl";

// Calls `see` for every line of it that makes sense: [task, attempt, where and why, node].
template <typename See>
void ForEachPlacement(const std::string& home, RunId run, See see) {
  const auto text = ReadFile(FolderOf(home, run) + kPlacementFile);
  if (!text.ok()) return;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const Json note = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (note.is_array() && note.size() >= 3 && note[0].is_number_unsigned() &&
        note[1].is_number_unsigned() && note[2].is_string()) {
      see(TaskId(note[0].get<std::size_t>()), AttemptNumber{note[1].get<std::uint32_t>()}, note);
    }
  }
}

std::string WaitsPath(const std::string& home) { return home + "/cluster-waits.json"; }

std::string WaitName(RunId run, TaskId task) {
  return fmt::format("r{}.{}", run.value, task.value);
}

}  // namespace

void PlacementNotes::Went(const runners::AttemptKey& key, const std::string& node,
                          const std::string& why) {
  if (home_.empty()) return;
  const std::string where = fmt::format("on {}: {}", node, why);
  lines_[key.run] += CanonicalJson({key.task.value, key.attempt.value, where, node}) + "\n";
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
  if (lines_.empty()) return;
  for (const auto& [run, lines] : std::exchange(lines_, {})) {
    const auto [file, unopened] = files_.try_emplace(run);
    if (unopened) {
      const std::string folder = FolderOf(home_, run);
      static_cast<void>(MakeDirectories(folder));
      file->second = FileDescriptor(::open((folder + kPlacementFile).c_str(),
                                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    }
    const bool written = file->second.get() >= 0 && WriteAll(file->second.get(), lines) == 0;
    if (!written) files_.erase(file);  // there may be room, or a folder, the next time
  }
}

void PlacementNotes::Close() {
  Wait({});
  Flush();
}

std::map<std::uint32_t, std::string> ReadWent(const std::string& home, RunId run, TaskId task) {
  std::map<std::uint32_t, std::string> went;
  ForEachPlacement(home, run, [&](TaskId of, AttemptNumber attempt, const Json& note) {
    if (of == task) went[attempt.value] = note[2].get<std::string>();
  });
  return went;
}

std::map<runners::AttemptKey, std::string> ReadGiven(const std::string& home, RunId run) {
  std::map<runners::AttemptKey, std::string> given;
  ForEachPlacement(home, run, [&](TaskId task, AttemptNumber attempt, const Json& note) {
    const bool named = note.size() > 3 && note[3].is_string();
    if (named) given[{run, task, attempt}] = note[3].get<std::string>();
  });
  return given;
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
