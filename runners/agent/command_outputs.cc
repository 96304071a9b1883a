#include "runners/agent/command_outputs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>

#include "base/disk_space.h"
#include "base/files.h"
#include "runners/agent/command_files.h"
#include "runners/api/executables.h"

namespace dml::agent {

namespace fs = std::filesystem;

namespace {

Error Failed(const std::string& action, const std::error_code& code) {
  return Error::System(action, code.value());
}

// What a link points at belongs to somebody else: it would be moved away, made read-only and shared
// with the store.
Result<void> RefuseLinks(const std::string& work_dir, const std::string& declared) {
  fs::path path = work_dir;
  for (const fs::path& part : fs::path(declared).lexically_normal()) {
    path /= part;
    std::error_code ignored;
    if (!fs::is_symlink(fs::symlink_status(path, ignored))) continue;
    return Error::Task(fmt::format("the output '{}' is not here: '{}' is a symbolic link", declared,
                                   path.lexically_relative(work_dir).string()),
                       "write files and folders, not links");
  }
  return {};
}

// Shares the blocks, where the file system can.
bool Clone(const std::string& from, const std::string& to) {
  const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (source < 0) return false;
  const int target = ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  struct stat info {};
  const bool cloned = target >= 0 && ::fstat(source, &info) == 0 &&
                      ::ioctl(target, FICLONE, source) == 0 &&
                      ::fchmod(target, info.st_mode & 0777U) == 0;
  if (target >= 0) ::close(target);
  ::close(source);
  return cloned;
}

// The name then stands for a file of its own.
Result<void> CopyInPlace(const std::string& path, const std::string& draft) {
  std::error_code error;
  if (!Clone(path, draft)) {
    fs::copy_file(path, draft, fs::copy_options::overwrite_existing, error);
  }
  if (!error) fs::rename(draft, path, error);
  if (!error) return {};
  // To the library a copy that ends half-way is an error of the device, whatever ended it.
  const bool full = error.value() == EIO && IsFull(fs::path(draft).parent_path().string());
  std::error_code ignored;
  fs::remove(draft, ignored);
  return WriteError("cannot copy '" + path + "', which has further hard links", draft,
                    full ? ENOSPC : error.value());
}

// `name`: what its author calls it.
Result<void> TakeAlone(const std::string& path, const std::string& name, const std::string& draft) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return Error::System("cannot read '" + path + "'", errno);
  if (S_ISDIR(info.st_mode)) return {};
  if (!S_ISREG(info.st_mode)) {
    return Error::Task(fmt::format("the output '{}' is not a regular file", name),
                       "write files and folders, not links");
  }
  return info.st_nlink == 1 ? Result<void>{} : CopyInPlace(path, draft);
}

Result<void> TakeAllAlone(const fs::path& target, const std::string& declared,
                          const std::string& draft) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(target, error))) {
    return TakeAlone(target.string(), declared, draft);
  }
  fs::recursive_directory_iterator it(target, error);
  for (; !error && it != fs::end(it); it.increment(error)) {
    const fs::path name = declared / it->path().lexically_relative(target);
    DML_RETURN_IF_ERROR(TakeAlone(it->path().string(), name.string(), draft));
  }
  if (error) return Failed("cannot list '" + target.string() + "'", error);
  return {};
}

PortKind KindOf(const runners::LaunchSpec& spec, const std::string& port) {
  const auto found = std::ranges::find(spec.outputs, port, &PortSpec::name);
  return found == spec.outputs.end() ? PortKind::kFile : found->kind;
}

Result<void> CollectOne(const runners::LaunchSpec& spec, const std::string& port,
                        const std::string& declared) {
  const auto& command = std::get<runners::Command>(spec.work);
  DML_TRY(const std::string from, PathInside(command.work_dir, declared));
  DML_RETURN_IF_ERROR(RefuseLinks(command.work_dir, declared));
  std::error_code error;
  if (!fs::exists(from, error)) {
    return Error::Task(fmt::format("the command did not write its output '{}'", declared));
  }
  fs::path target = spec.attempt_dir + "/out/" + port;
  if (!fs::is_directory(from, error)) {
    target /= fs::path(from).filename();
  } else if (KindOf(spec, port) == PortKind::kFile) {
    target /= kFolderName;
  }
  DML_RETURN_IF_ERROR(MakeDirectories(target.parent_path().string()));
  fs::rename(from, target, error);
  if (error) return Failed("cannot move '" + from + "'", error);
  return TakeAllAlone(target, declared, spec.attempt_dir + "/copy");
}

// What can be executed in <out>/<port>, as NoteExecutables() names it.
Result<void> AddExecutables(const fs::path& out, const std::string& port,
                            std::set<std::string>& names) {
  std::error_code error;
  fs::recursive_directory_iterator it(out / port, error);
  for (; !error && it != fs::end(it); it.increment(error)) {
    struct stat info {};
    const std::string path = it->path().string();
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if ((info.st_mode & S_IXUSR) != 0) names.insert(path.substr(out.string().size() + 1));
  }
  if (error) return Failed("cannot list '" + (out / port).string() + "'", error);
  return {};
}

}  // namespace

Result<void> CollectOutputs(const runners::LaunchSpec& spec) {
  const auto& command = std::get<runners::Command>(spec.work);
  std::set<std::string> executables;
  if (command.outputs.empty()) return {};
  for (const auto& [port, declared] : command.outputs) {
    DML_RETURN_IF_ERROR(CollectOne(spec, port, declared));
    if (KindOf(spec, port) != PortKind::kFile) continue;
    DML_RETURN_IF_ERROR(AddExecutables(spec.attempt_dir + "/out", port, executables));
  }
  return runners::NoteExecutables(spec.attempt_dir, executables);
}

}  // namespace dml::agent
