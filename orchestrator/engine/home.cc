#include "orchestrator/engine/home.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/files.h"
#include "base/folder_owner.h"
#include "base/presence.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/state/run_files.h"

namespace dml::engine {

namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = ".dml";

// The names in a folder survive a loss of power. One that may be written and not read cannot be
// synced, and then the system decides.
Result<void> SyncNames(const fs::path& folder) {
  if (::access(folder.c_str(), R_OK) != 0) return {};
  return SyncDirectory(folder.string());
}

// Also the names of the folders on the way that were not there.
Result<void> MakeLasting(const std::string& path) {
  std::error_code ignored;
  std::vector<fs::path> parents;  // of what is missing
  for (fs::path folder = path; folder.has_relative_path() && !fs::exists(folder, ignored);
       folder = folder.parent_path()) {
    parents.push_back(folder.parent_path());
  }
  DML_RETURN_IF_ERROR(MakeDirectories(path));
  for (const fs::path& parent : parents) DML_RETURN_IF_ERROR(SyncNames(parent));
  return {};
}

Result<void> MakeLink(const fs::path& store, const fs::path& target) {
  std::error_code error;
  fs::create_directory_symlink(target, store, error);
  // Another process may have been faster.
  if (error && !fs::is_symlink(store)) {
    return Error::System("cannot link '" + store.string() + "'", error.value());
  }
  return {};
}

// The empty store of a home makes room for a link. A run that is at its first task has one as well,
// and no run begins in between.
Result<void> ReplaceEmptyStore(const std::string& home, const fs::path& target) {
  std::error_code error;
  const fs::path store = fs::path(home) / "store";
  DML_RETURN_IF_ERROR(MakeDirectories(home + "/locks"));
  DML_TRY(const FileLock gate, FileLock::Wait(home + "/locks/gate"));
  if (fs::is_symlink(store, error)) return {};
  if (!fs::is_empty(store / "blobs", error)) {
    return Error::Invalid(fmt::format("'{}' has results of its own", home),
                          "unset DML_CACHE, or choose another home with --home");
  }
  if (const auto owner = OwnerOfARun(home)) {
    return Error::Busy(owner->Describe() + ", without DML_CACHE",
                       "a home gets a shared cache before its first run: wait for it, or choose "
                       "another home with --home");
  }
  fs::remove_all(store, error);
  return MakeLink(store, target);
}

Result<void> LinkStore(const std::string& home, const std::string& shared) {
  std::error_code error;
  const fs::path target = fs::absolute(shared, error).lexically_normal();
  const fs::path store = fs::path(home) / "store";
  DML_RETURN_IF_ERROR(MakeLasting(home));
  DML_RETURN_IF_ERROR(MakeLasting((target / "blobs").string()));
  if (fs::is_symlink(store, error)) {
    if (fs::equivalent(store, target, error)) return {};
    return Error::Invalid(fmt::format("'{}' keeps its results in '{}', not in '{}'", home,
                                      fs::read_symlink(store, error).string(), target.string()),
                          "set DML_CACHE to that folder, or choose another home");
  }
  return fs::exists(store, error) ? ReplaceEmptyStore(home, target) : MakeLink(store, target);
}

}  // namespace

std::string Home::Locate(const std::string& wanted, const std::string& directory) {
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(directory, ignored);
  if (!wanted.empty()) return std::filesystem::absolute(wanted, ignored).lexically_normal();
  for (auto folder = absolute.lexically_normal();; folder = folder.parent_path()) {
    if (std::filesystem::is_directory(folder / kFolder, ignored)) return folder / kFolder;
    if (folder == folder.parent_path()) break;
  }
  return absolute.lexically_normal() / kFolder;
}

bool Home::shared() const {
  std::error_code ignored;
  return std::filesystem::is_symlink(path_ + "/store", ignored);
}

namespace {

// A home that root has been at work in, or that is somebody else's, is no matter of modes alone.
Error NotYours(const std::string& path, uid_t owner, const std::string& home) {
  return Error::Environment(
      fmt::format("cannot write '{}', which belongs to user {}", path, UserName(owner)),
      fmt::format("as root: `chown -R {} '{}'`; or choose another home with --home or DML_HOME",
                  UserName(::geteuid()), home));
}

// If it is there.
Result<void> CheckWritable(const std::string& path, const std::string& home) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  const bool is_folder = S_ISDIR(info.st_mode);
  if (::access(path.c_str(), is_folder ? W_OK | X_OK : W_OK) == 0) return {};
  const int code = errno;
  if (code == EACCES && info.st_uid != ::geteuid()) return NotYours(path, info.st_uid, home);
  Error error =
      Error::System(fmt::format("cannot write {}'{}'", is_folder ? "the folder " : "", path), code);
  error.hint = "choose a folder that you can write with --home or DML_HOME";
  return error;
}

// The place of a shared store that is gone, with its disk or for good.
Result<void> CheckStoreIsThere(const std::string& home) {
  std::error_code error;
  const fs::path store = fs::path(home) / "store";
  if (!fs::is_symlink(store, error) || fs::exists(store, error)) return {};
  return Error::Environment(
      fmt::format("'{}' keeps its results in '{}', which is not there", home,
                  fs::read_symlink(store, error).string()),
      "mount it or bring it back; or set DML_CACHE to that folder, and it is made anew, empty");
}

}  // namespace

Result<Home> Home::Open(const std::string& wanted, const std::string& directory,
                        const std::string& shared_cache) {
  Home home(Locate(wanted, directory));
  if (!shared_cache.empty()) DML_RETURN_IF_ERROR(LinkStore(home.path_, shared_cache));
  DML_RETURN_IF_ERROR(CheckStoreIsThere(home.path_));
  for (const char* folder : {"/store", "/store/blobs", "/store/tmp", "/runs", "/locks"}) {
    if (auto made = MakeLasting(home.path_ + folder); !made.ok()) {
      Error error = std::move(made).error();
      error.hint = "choose a folder that you can write with --home or DML_HOME";
      return error;
    }
    GiveToOwnerOfFolder(home.path_ + folder);
  }
  for (const char* name :
       {"", "/store/blobs", "/store/tmp", "/runs", "/locks", "/locks/gate", "/dml.db"}) {
    DML_RETURN_IF_ERROR(CheckWritable(home.path_ + name, home.path_));
  }
  // Whoever made them may have died before they were lasting.
  const fs::path place = home.path_;
  for (const fs::path& folder : {place.parent_path(), place, place / "store"}) {
    DML_RETURN_IF_ERROR(SyncNames(folder));
  }
  return home;
}

Result<Home> Home::OpenToAsk(const std::string& wanted, const std::string& directory,
                             const std::string& shared_cache) {
  Home home(Locate(wanted, directory));
  DML_TRY(const bool there, IsThere(home.DatabasePath()));
  home.read_only_ = there && ::access(home.path_.c_str(), W_OK | X_OK) != 0;
  if (home.read_only_) return home;
  return Open(wanted, directory, shared_cache);
}

std::string Home::BlobPath(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return fmt::format("{}/store/blobs/{}/{}", path_, std::string_view(hex).substr(0, 2), hex);
}

std::string Home::RunPath(RunId run) const { return state::RunPath(path_, run); }

std::string Home::RunLockPath(const std::string& home, RunId run) {
  return fmt::format("{}/locks/r{}", home, run.value);
}

std::string Home::PipelineLockPath(const std::string& pipeline_file) const {
  std::error_code problem;
  const fs::path file = fs::weakly_canonical(pipeline_file, problem);
  return fmt::format("{}/locks/pipeline-{}", path_,
                     Sha256::Of(problem ? pipeline_file : file.string()).Short());
}

std::optional<LockOwner> OwnerOfARun(const std::string& home) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home + "/locks", ignored)) {
    if (entry.path().filename().string().front() != 'r') continue;
    if (auto owner = FileLock::Owner(entry.path().string())) return owner;
  }
  for (const auto& entry : fs::directory_iterator(home + "/runs", ignored)) {
    if (auto owner = FileLock::Owner((entry.path() / kOwnerFile).string())) return owner;
  }
  return std::nullopt;
}

std::string Home::AttemptPath(RunId run, const std::string& task, AttemptNumber attempt) const {
  return state::AttemptPath(path_, run, task, attempt);
}

std::string Home::CheckpointPath(const Digest& key, RunId run, TaskId task, bool alone) const {
  const std::string owner = alone ? fmt::format("r{}.{}", run.value, task.value) : "shared";
  return fmt::format("{}/{}/{}", CheckpointFolder(), key.Hex(), owner);
}

std::string Home::LogPath(RunId run, const std::string& task, AttemptNumber attempt) const {
  return state::LogPath(path_, run, task, attempt);
}

}  // namespace dml::engine
