#include "runners/agent/command_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "base/disk_space.h"
#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/agent/command_outputs.h"

namespace dml::agent {

namespace fs = std::filesystem;

namespace {

Error Failed(const std::string& action, const std::error_code& code) {
  return Error::System(action, code.value());
}

// Of a copy, which is not left there by half. To the library one that ends half-way is an error of
// the device, whatever ended it.
Error NotCopied(const std::string& from, const fs::path& target, const std::error_code& code) {
  const bool full = code.value() == EIO && IsFull(target.parent_path().string());
  std::error_code ignored;
  if (code.value() != EEXIST) fs::remove(target, ignored);
  return WriteError("cannot copy '" + from + "' to '" + target.string() + "'", target.string(),
                    full ? ENOSPC : code.value());
}

Result<fs::path> Inside(const std::string& folder, const std::string& declared) {
  DML_TRY(std::string path, PathInside(folder, declared));
  return fs::path(std::move(path));
}

// The first name of each of its files, if they are those of a folder that a command left.
constexpr std::string_view kInFolder = "folder/";
static_assert(kInFolder.substr(0, kInFolder.size() - 1) == kFolderName);

// What an artifact is does not depend on how many files it has; see CollectOutputs().
bool IsFolder(const Artifact& input) {
  if (input.kind == PortKind::kTable || input.files.size() != 1) return true;
  return input.kind == PortKind::kFile && input.files.front().name.starts_with(kInFolder);
}

std::string_view NameInFolder(const Artifact& input, const ArtifactFile& file) {
  const bool left = input.kind == PortKind::kFile && file.name.starts_with(kInFolder);
  return std::string_view(file.name).substr(left ? kInFolder.size() : 0);
}

// A link would have the mode of the store's file, so what is to be executed is a copy.
Result<void> PlaceFile(const ArtifactFile& file, const fs::path& target) {
  std::error_code error;
  if (!file.executable) {
    fs::create_symlink(file.path, target, error);
    if (error) return Failed("cannot link '" + target.string() + "'", error);
    return {};
  }
  fs::copy_file(file.path, target, error);
  if (!error) fs::permissions(target, fs::perms(0555), error);
  if (error) return NotCopied(file.path, target, error);
  return {};
}

Result<void> LinkInput(const Artifact& input, const fs::path& target) {
  DML_RETURN_IF_ERROR(MakeDirectories(target.parent_path().string()));
  if (!IsFolder(input)) return PlaceFile(input.files.front(), target);
  DML_RETURN_IF_ERROR(MakeDirectories(target.string()));
  for (const ArtifactFile& file : input.files) {
    const fs::path link = target / NameInFolder(input, file);
    DML_RETURN_IF_ERROR(MakeDirectories(link.parent_path().string()));
    DML_RETURN_IF_ERROR(PlaceFile(file, link));
  }
  return {};
}

// Several artifacts become a folder of them, numbered in their order from 0 as wide as the last.
Result<void> LinkInputs(const std::vector<Artifact>& inputs, const std::string& port,
                        const fs::path& target) {
  const auto count = std::ranges::count(inputs, port, &Artifact::port);
  const std::size_t width = fmt::formatted_size("{}", std::max<std::ptrdiff_t>(count - 1, 0));
  std::size_t next = 0;
  for (const Artifact& input : inputs) {
    if (input.port != port) continue;
    const std::string number = fmt::format("{:0{}}", next++, width);
    DML_RETURN_IF_ERROR(LinkInput(input, count > 1 ? target / number : target));
  }
  return {};
}

// All that is the attempt's own around its work folder.
std::string TreeOf(const runners::LaunchSpec& spec) {
  const std::string& work_dir = std::get<runners::Command>(spec.work).work_dir;
  const std::string tree = spec.attempt_dir + "/" + kWorkFolder;
  return (work_dir + "/").starts_with(tree + "/") ? tree : work_dir;
}

// Where code of that name goes, which may lead out of the work folder but not out of the tree.
Result<fs::path> CodeTarget(const runners::LaunchSpec& spec, const std::string& name) {
  const fs::path path = fs::path(std::get<runners::Command>(spec.work).work_dir) / name;
  fs::path target = path.lexically_normal();
  const std::string below = fs::path(TreeOf(spec)).lexically_normal().string() + "/";
  if (target.string().starts_with(below) && !fs::path(name).is_absolute()) return target;
  return Error::Invalid(fmt::format("the code '{}' is not inside the attempt's folder", name));
}

// Code is found by the relative names that it has beside the pipeline. A copy: no command changes
// the original, and none reads a neighbour of it that is not declared. It can be executed, whatever
// its mode: far from the original nobody knows that.
Result<void> CopyCode(const std::string& from, const fs::path& target) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(target, error))) return {};
  DML_RETURN_IF_ERROR(MakeDirectories(target.parent_path().string()));
  fs::copy_file(from, target, error);
  if (!error) fs::permissions(target, fs::perms(0755), error);
  if (error) return NotCopied(from, target, error);
  return {};
}

bool IsOutput(const runners::Command& command, const fs::path& target) {
  return std::ranges::any_of(command.outputs, [&](const auto& output) {
    return (fs::path(command.work_dir) / output.second).lexically_normal() == target;
  });
}

// By the way that leads to it from the pipeline. What is not below that is also found by its own
// name, as in the folder of an included file; the others go first.
Result<void> PlaceCode(const runners::LaunchSpec& spec) {
  const auto& command = std::get<runners::Command>(spec.work);
  std::vector<std::pair<const ArtifactFile*, fs::path>> copies;
  for (const runners::FileSet& set : spec.files) {
    for (const ArtifactFile& file : set.files) {
      DML_TRY(fs::path target, CodeTarget(spec, file.name));
      copies.emplace_back(&file, std::move(target));
    }
  }
  const std::size_t named = copies.size();
  for (std::size_t i = 0; i < named; ++i) {
    if (!copies[i].first->name.starts_with("../")) continue;
    copies.emplace_back(copies[i].first, fs::path(command.work_dir) / copies[i].second.filename());
  }
  for (const auto& [file, target] : copies) {
    if (!IsOutput(command, target)) DML_RETURN_IF_ERROR(CopyCode(file->path, target));
  }
  return {};
}

}  // namespace

Result<std::string> PathInside(const std::string& folder, const std::string& declared) {
  const fs::path path = fs::path(declared).lexically_normal();
  if (path.is_absolute() || path.empty() || *path.begin() == "..") {
    return Error::Invalid(fmt::format("'{}' is not inside the work folder", declared),
                          "declare a relative path without '..'");
  }
  return (fs::path(folder) / path).string();
}

bool UsesWorkFolder(const runners::Command& command) {
  return command.own_folder || !command.inputs.empty() || !command.outputs.empty();
}

Result<void> PrepareWorkFolder(const runners::LaunchSpec& spec) {
  const auto& command = std::get<runners::Command>(spec.work);
  if (!UsesWorkFolder(command)) return {};
  DML_RETURN_IF_ERROR(MakeDirectories(command.work_dir));
  for (const auto& [port, declared] : command.inputs) {
    DML_TRY(const fs::path target, Inside(command.work_dir, declared));
    DML_RETURN_IF_ERROR(LinkInputs(spec.inputs, port, target));
  }
  DML_RETURN_IF_ERROR(PlaceCode(spec));
  for (const auto& [port, declared] : command.outputs) {
    DML_TRY(const fs::path target, Inside(command.work_dir, declared));
    DML_RETURN_IF_ERROR(MakeDirectories(target.parent_path().string()));
  }
  return {};
}

namespace {

// A line of a log is usually shorter than that.
constexpr std::size_t kLineBytesMax = 64U << 10U;
constexpr int kCutTurnsMax = 4;

// What a file holds from `offset` on, also what is appended meanwhile, up to a limit.
std::string EndOf(int fd, std::int64_t offset) {
  std::string text(2 * kLogBytesKept, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::pread(fd, text.data() + size, text.size() - size,
                                offset + static_cast<std::int64_t>(size));
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

Result<void> MakeLogFolder(const std::string& log_path) {
  if (log_path.empty()) return {};
  return MakeDirectories(fs::path(log_path).parent_path().string());
}

bool CutLog(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size <= kLogBytesMax) return false;
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return false;
  std::int64_t seen = info.st_size - kLogBytesKept;
  std::string kept = EndOf(file.get(), seen);
  seen += std::ssize(kept);
  // From a beginning of a line, if one is near: a line may be all that there is.
  const std::size_t line = kept.substr(0, kLineBytesMax).find('\n');
  if (line != std::string::npos) kept.erase(0, line + 1);
  kept.insert(0, fmt::format("[dml: {}]\n", kLogCutWarning));
  // Over the beginning, and what was appended meanwhile behind it, before the rest is cut off: who
  // writes goes on writing at the end.
  for (int turns = 0; !kept.empty() && turns < kCutTurnsMax; ++turns) {
    if (WriteAll(file.get(), kept) != 0) return false;
    kept = EndOf(file.get(), seen);
    seen += std::ssize(kept);
  }
  return ::ftruncate(file.get(), ::lseek(file.get(), 0, SEEK_CUR)) == 0;
}

void RemoveEmptyLog(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size == 0) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

}  // namespace dml::agent
