#include "runners/agent/command_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"

namespace dml::agent {

namespace fs = std::filesystem;

namespace {

Error Failed(const std::string& action, const std::error_code& code) {
  return Error::System(action, code.value());
}

// A declared path is relative and stays inside the work folder.
Result<fs::path> Inside(const std::string& folder, const std::string& declared) {
  const fs::path path = fs::path(declared).lexically_normal();
  if (path.is_absolute() || path.empty() || *path.begin() == "..") {
    return Error::Invalid(fmt::format("'{}' is not inside the work folder", declared),
                          "declare a relative path without '..'");
  }
  return fs::path(folder) / path;
}

Result<void> LinkInput(const Artifact& input, const fs::path& target) {
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (input.files.size() == 1) {
    fs::create_symlink(input.files.front().path, target, error);
    if (error) return Failed("cannot link '" + target.string() + "'", error);
    return {};
  }
  for (const ArtifactFile& file : input.files) {
    const fs::path link = target / file.name;
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

Result<void> CollectOne(const fs::path& from, const std::string& port_dir,
                        const std::string& declared) {
  std::error_code error;
  if (!fs::exists(from, error)) {
    return Error::Task(fmt::format("the command did not write its output '{}'", declared));
  }
  const bool folder = fs::is_directory(from, error);
  const fs::path target = folder ? fs::path(port_dir) : fs::path(port_dir) / from.filename();
  fs::create_directories(target.parent_path(), error);
  fs::rename(from, target, error);
  if (error) return Failed("cannot move '" + from.string() + "'", error);
  return {};
}

}  // namespace

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
  for (const auto& [port, declared] : command.outputs) {
    DML_TRY(const fs::path target, Inside(command.work_dir, declared));
    DML_RETURN_IF_ERROR(MakeDirectories(target.parent_path().string()));
  }
  return {};
}

Result<void> CollectOutputs(const runners::LaunchSpec& spec) {
  const auto& command = std::get<runners::Command>(spec.work);
  for (const auto& [port, declared] : command.outputs) {
    DML_TRY(const fs::path from, Inside(command.work_dir, declared));
    DML_RETURN_IF_ERROR(CollectOne(from, spec.attempt_dir + "/out/" + port, declared));
  }
  return {};
}

Result<void> MakeLogFolder(const std::string& log_path) {
  if (log_path.empty()) return {};
  return MakeDirectories(fs::path(log_path).parent_path().string());
}

bool CutLog(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size <= kLogBytesMax) return false;
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return false;
  const std::string line = fmt::format("[dml: {}]\n", kLogCutWarning);
  const bool cut = ::ftruncate(fd, 0) == 0 && ::write(fd, line.data(), line.size()) > 0;
  ::close(fd);
  return cut;
}

void RemoveEmptyLog(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size == 0) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

}  // namespace dml::agent
