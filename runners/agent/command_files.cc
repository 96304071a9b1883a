#include "runners/agent/command_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/agent/command_outputs.h"

namespace dml::agent {

namespace fs = std::filesystem;

namespace {

Error Failed(const std::string& action, const std::error_code& code) {
  return Error::System(action, code.value());
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

Result<void> LinkInput(const Artifact& input, const fs::path& target) {
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (!IsFolder(input)) {
    fs::create_symlink(input.files.front().path, target, error);
    if (error) return Failed("cannot link '" + target.string() + "'", error);
    return {};
  }
  DML_RETURN_IF_ERROR(MakeDirectories(target.string()));
  for (const ArtifactFile& file : input.files) {
    const fs::path link = target / NameInFolder(input, file);
    fs::create_directories(link.parent_path(), error);
    fs::create_symlink(file.path, link, error);
    if (error) return Failed("cannot link '" + link.string() + "'", error);
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

// Code is found by the relative names that it has beside the pipeline. A copy: no command changes
// the original, and none reads a neighbour of it that is not declared. It can be executed, whatever
// its mode: far from the original nobody knows that.
Result<void> CopyCode(const std::string& from, const fs::path& target) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(target, error))) return {};
  fs::create_directories(target.parent_path(), error);
  fs::copy_file(from, target, error);
  if (!error) fs::permissions(target, fs::perms(0755), error);
  if (error) return Failed("cannot copy '" + from + "' to '" + target.string() + "'", error);
  return {};
}

bool IsOutput(const runners::Command& command, const fs::path& target) {
  return std::ranges::any_of(command.outputs, [&](const auto& output) {
    return (fs::path(command.work_dir) / output.second).lexically_normal() == target;
  });
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
  for (const runners::FileSet& set : spec.files) {
    for (const ArtifactFile& file : set.files) {
      DML_TRY(const fs::path target, Inside(command.work_dir, file.name));
      if (!IsOutput(command, target)) DML_RETURN_IF_ERROR(CopyCode(file.path, target));
    }
  }
  for (const auto& [port, declared] : command.outputs) {
    DML_TRY(const fs::path target, Inside(command.work_dir, declared));
    DML_RETURN_IF_ERROR(MakeDirectories(target.parent_path().string()));
  }
  return {};
}

namespace {

// A line of a log is usually shorter than that.
constexpr std::size_t kLineBytesMax = 64U << 10U;

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
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  if (file.get() < 0) return false;
  std::string kept = EndOf(file.get(), info.st_size - kLogBytesKept);
  // From a beginning of a line, if one is near: a line may be all that there is.
  const std::size_t line = kept.substr(0, kLineBytesMax).find('\n');
  if (line != std::string::npos) kept.erase(0, line + 1);
  kept.insert(0, fmt::format("[dml: {}]\n", kLogCutWarning));
  return ::ftruncate(file.get(), 0) == 0 && WriteAll(file.get(), kept) == 0;
}

void RemoveEmptyLog(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size == 0) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

}  // namespace dml::agent
