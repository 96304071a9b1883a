#include "runners/node/territory.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/files.h"
#include "runners/node/record_book.h"
#include "runners/node/unix_socket.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

using Match = bool (*)(std::string_view);

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kProgramHex = 12;
constexpr std::size_t kDigestHex = 64;
constexpr std::size_t kFanHex = 2;
constexpr int kMadeMax = 64;

bool Consists(std::string_view text, std::string_view signs) {
  return !text.empty() && text.find_first_not_of(signs) == text.npos;
}

bool IsHex(std::string_view text, std::size_t size) {
  return text.size() == size && Consists(text, kHexDigits);
}

// What a write leaves that did not come to its end: "<name>.tmp<process>".
std::string_view WithoutDraft(std::string_view name) {
  const std::size_t at = name.rfind(".tmp");
  return at != name.npos && Consists(name.substr(at + 4), kDigits) ? name.substr(0, at) : name;
}

bool IsProgram(std::string_view name) {
  constexpr std::string_view kProgram = "dml-worker-";
  constexpr std::string_view kUpload = "new.";
  if (name.starts_with(kUpload)) return Consists(name.substr(kUpload.size()), kDigits);
  return name.starts_with(kProgram) && IsHex(name.substr(kProgram.size()), kProgramHex);
}

// "<62 digits>" or, while it is copied, "<62 digits>.<...>.part".
bool IsBlob(std::string_view name) {
  constexpr std::size_t kSize = kDigestHex - kFanHex;
  if (!IsHex(name.substr(0, kSize), kSize)) return false;
  return name.size() == kSize || (name[kSize] == '.' && name.ends_with(".part"));
}

bool IsFan(std::string_view name) { return IsHex(name, kFanHex); }

bool IsPartial(std::string_view name) {
  constexpr std::string_view kEnd = ".part";
  return name.ends_with(kEnd) && IsHex(name.substr(0, name.size() - kEnd.size()), kDigestHex);
}

bool IsCheckpoint(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot != name.npos && dot > 0 && IsHex(name.substr(dot + 1), kDigestHex);
}

bool IsFile(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames{
      "agent.lock", "agent.log", "agent.log.1", "agent.pid", "agent.sock", "blobs.boot",
      "disk.probe", "drained",   "known-files", "login.env", "login.log"};
  return std::ranges::find(kNames, WithoutDraft(name)) != kNames.end();
}

struct Entry {
  std::string path;
  std::string name;
  bool folder = false;
};

Result<std::vector<Entry>> List(const std::string& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    std::error_code ignored;
    entries.push_back({it->path().string(), it->path().filename().string(),
                       fs::is_directory(it->symlink_status(ignored))});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error::System("cannot list '" + folder + "'", error.value());
  }
  return entries;
}

// Removes the entries of that form: files, and folders with all that is in them if `deep`.
Result<void> RemoveMatching(const std::string& folder, Match match, bool deep) {
  std::error_code error;
  // A link in its place leads to where nothing is dml's.
  if (!fs::is_directory(fs::symlink_status(folder, error))) return {};
  DML_TRY(const std::vector<Entry> entries, List(folder));
  for (const Entry& entry : entries) {
    if (!match(entry.name) || (entry.folder && !deep)) continue;
    fs::remove_all(entry.path, error);
    if (error) return Error::System("cannot remove '" + entry.path + "'", error.value());
  }
  return {};
}

// Absolute, without "." and a slash at its end.
fs::path Plain(const std::string& path) {
  std::error_code ignored;
  fs::path plain = fs::absolute(path, ignored).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

std::string RealPath(const std::string& path) {
  std::error_code ignored;
  return Plain(fs::weakly_canonical(Plain(path), ignored).string()).string();
}

// "" if the folder may be dml's, as far as its place goes.
std::string WhyNever(const std::string& root) {
  const std::string real = RealPath(root);
  if (real == "/") return "is the root of the file system";
  const char* home = std::getenv("HOME");
  const passwd* entry = ::getpwuid(::geteuid());
  for (const char* one : {home, static_cast<const char*>(entry ? entry->pw_dir : nullptr)}) {
    if (one != nullptr && *one != '\0' && real == RealPath(one)) return "is the home folder";
  }
  return "";
}

int MadeFor(const std::string& root) {
  constexpr std::string_view kWord = "made ";
  const auto text = ReadFileUpTo(root + "/" + kMarker, 1 << 12);
  if (!text.ok() || !text->starts_with(kWord)) return 1;
  return std::clamp(std::atoi(text->c_str() + kWord.size()), 0, kMadeMax);
}

// How many folders have to be made so that `path` is there.
int Missing(fs::path path) {
  int missing = 0;
  std::error_code ignored;
  while (!path.empty() && !fs::exists(fs::symlink_status(path, ignored))) {
    ++missing;
    if (path == path.parent_path()) break;
    path = path.parent_path();
  }
  return missing;
}

}  // namespace

bool IsAttemptName(std::string_view name) {
  std::size_t at = name.find('.');
  if (at == 0 || at == name.npos) return false;
  for (int part = 0; part < 3; ++part) {
    const std::size_t end = std::min(name.find('.', at + 1), name.size());
    if (!Consists(name.substr(at + 1, end - at - 1), kDigits)) return false;
    if (end == name.size()) return part == 2;
    at = end;
  }
  constexpr std::array<std::string_view, 3> kEnds{".json", ".json.new", ".log"};
  return std::ranges::find(kEnds, name.substr(at)) != kEnds.end();
}

bool IsOwn(const std::string& root) {
  std::error_code ignored;
  if (fs::is_regular_file(fs::symlink_status(root + "/" + kMarker, ignored))) return true;
  const auto programs = List(root + "/bin");
  return programs.ok() && std::ranges::any_of(*programs, [](const Entry& entry) {
           return !entry.folder && entry.name.starts_with("dml-worker-") && IsProgram(entry.name);
         });
}

std::optional<Error> WhyNotClaim(const std::string& root) {
  if (const std::string why = WhyNever(root); !why.empty()) {
    return Error::Environment("'" + root + "' " + why, "name a folder for dml alone with workdir:");
  }
  if (!IsOwn(root)) {
    const auto entries = List(root);
    if (!entries.ok()) return entries.error();
    if (!entries->empty()) {
      return Error::Environment(
          fmt::format("'{}' is not a folder of dml: '{}' is in it", root, entries->front().name),
          "name a folder for dml alone with workdir:, a new one or an empty one");
    }
  }
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(root, ignored))) return std::nullopt;
  const auto fit = CheckPrivateFolder(root);
  return fit.ok() ? std::nullopt : std::optional(fit.error());
}

Result<void> Claim(const std::string& root) {
  if (auto why = WhyNotClaim(root)) return std::move(*why);
  std::error_code ignored;
  const std::string marker = root + "/" + kMarker;
  if (fs::is_regular_file(fs::symlink_status(marker, ignored))) return MakePrivateFolder(root);
  const int made = IsOwn(root) ? 1 : Missing(Plain(root));
  DML_RETURN_IF_ERROR(MakePrivateFolder(root));
  return WriteFileAtomic(marker, fmt::format("made {}\n", made));
}

Result<void> RemoveBlobs(const std::string& folder) {
  DML_RETURN_IF_ERROR(RemoveMatching(folder, IsPartial, /*deep=*/false));
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(folder, error))) return {};
  DML_TRY(const std::vector<Entry> fans, List(folder));
  for (const Entry& fan : fans) {
    if (!fan.folder || !IsFan(fan.name)) continue;
    DML_RETURN_IF_ERROR(RemoveMatching(fan.path, IsBlob, /*deep=*/false));
    ::rmdir(fan.path.c_str());
  }
  return {};
}

Result<std::vector<std::string>> RemoveOwn(const std::string& root) {
  struct Part {
    const char* name;
    Match match;
  };
  constexpr std::array<Part, 4> kParts{Part{"attempts", IsAttemptName}, Part{"logs", IsAttemptName},
                                       Part{"records", IsRecordName},
                                       Part{"checkpoints", IsCheckpoint}};
  std::vector<std::string> stays;
  if (!IsOwn(root)) return stays;
  int made = MadeFor(root);
  for (const Part& part : kParts) {
    DML_RETURN_IF_ERROR(RemoveMatching(root + "/" + part.name, part.match, /*deep=*/true));
    ::rmdir((root + "/" + part.name).c_str());
  }
  DML_RETURN_IF_ERROR(RemoveBlobs(root + "/blobs"));
  ::rmdir((root + "/blobs").c_str());
  DML_RETURN_IF_ERROR(RemoveMatching(root, IsFile, /*deep=*/false));
  // What says whose the folder is goes last: an end in the middle leaves a folder of dml.
  DML_RETURN_IF_ERROR(RemoveMatching(root + "/bin", IsProgram, /*deep=*/false));
  ::rmdir((root + "/bin").c_str());
  ::unlink((root + "/" + kMarker).c_str());
  DML_TRY(const std::vector<Entry> left, List(root));
  for (const Entry& entry : left) stays.push_back(entry.name);
  std::ranges::sort(stays);
  fs::path path = Plain(root);
  for (; made > 0 && ::rmdir(path.c_str()) == 0; --made) path = path.parent_path();
  return stays;
}

}  // namespace dml::node
