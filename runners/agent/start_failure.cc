#include "runners/agent/start_failure.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/suggest.h"
#include "runners/agent/command_files.h"

namespace dml::agent {

namespace {

namespace fs = std::filesystem;

constexpr int kNotFound = 127;
constexpr int kCannotExecute = 126;

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::vector<std::string> ProgramsOnPath() {
  const char* variable = std::getenv("PATH");
  const std::string path = variable == nullptr ? "" : variable;
  std::vector<std::string> names;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    std::error_code problem;
    fs::directory_iterator entry(path.substr(at, end - at), problem);
    for (; !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
      names.push_back(entry->path().filename().string());
    }
    at = end + 1;
  }
  return names;
}

runners::ExitFailure NotFound(const std::string& program) {
  const bool is_path = program.find('/') != std::string::npos;
  if (is_path && Exists(program)) {
    return {Error::Task(fmt::format("cannot start '{}': the interpreter that its first line names "
                                    "does not exist",
                                    program)),
            kNotFound};
  }
  if (is_path) {
    return {Error::Task(fmt::format("cannot start '{}': there is no such file", program),
                        "a relative path starts at the folder in which the command runs"),
            kNotFound};
  }
  const std::string meant = DidYouMean(program, ProgramsOnPath());
  return {Error::Task(fmt::format("cannot start '{}': no such program on the PATH", program),
                      meant.empty() ? "install it, or write its path" : meant),
          kNotFound};
}

runners::ExitFailure CannotExecute(const std::string& why, const std::string& hint) {
  return {Error::Task(why, hint), kCannotExecute};
}

}  // namespace

Result<void> CheckTexts(const std::vector<std::string>& argv,
                        const std::map<std::string, std::string>& env) {
  if (argv.empty() || argv.front().empty()) return Error::Invalid("the command is empty");
  const auto has_nul = [](const std::string& text) { return text.find('\0') != text.npos; };
  for (const std::string& text : argv) {
    if (has_nul(text)) return Error::Invalid("an argument of a command cannot hold a NUL byte");
  }
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != name.npos || has_nul(name)) {
      return Error::Invalid(fmt::format("'{}' cannot be the name of an environment variable",
                                        name.substr(0, name.find('\0'))));
    }
    if (has_nul(value)) {
      return Error::Invalid(fmt::format("environment variable '{}' cannot hold a NUL byte", name));
    }
  }
  return {};
}

runners::ExitFailure WhyNotStarted(const runners::Command& command, const std::string& log_path,
                                   int code) {
  const std::string& program = command.argv.front();
  // The new process opens its log and enters its folder first, and fails with the same numbers.
  if (UsesWorkFolder(command) && !Exists(command.work_dir)) {
    return {Error::Environment(fmt::format("its work folder '{}' is gone", command.work_dir)), 1};
  }
  if (!UsesWorkFolder(command) && !command.pipeline_dir.empty() && !Exists(command.pipeline_dir)) {
    return {Error::Environment(
                fmt::format("the folder of the pipeline '{}' is gone", command.pipeline_dir)),
            1};
  }
  const std::string folder = log_path.substr(0, log_path.rfind('/'));
  if (::access(folder.c_str(), W_OK) != 0) {
    return {Error::System(fmt::format("cannot write the log '{}'", log_path), errno), 1};
  }
  switch (code) {
    case ENOENT:
      return NotFound(program);
    case EACCES:
      return CannotExecute(fmt::format("cannot start '{}': it is not an executable file", program),
                           fmt::format("chmod +x '{}', or put its interpreter in front", program));
    case ENOEXEC:
      return CannotExecute(
          fmt::format("cannot start '{}': it is neither a program for this machine nor a script "
                      "that begins with #!",
                      program),
          "put its interpreter in front: [python3, " + program + "]");
    case E2BIG:
      return CannotExecute(
          fmt::format("cannot start '{}': its arguments and environment are too long", program),
          "write long lists into a file and pass its path");
    default:
      return CannotExecute(fmt::format("cannot start '{}': {}", program, std::strerror(code)), "");
  }
}

}  // namespace dml::agent
