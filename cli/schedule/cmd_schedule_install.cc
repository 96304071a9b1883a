#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/files.h"
#include "cli/child.h"
#include "cli/inspect/runs.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/daemon_service.h"
#include "cli/schedule/new_folders.h"
#include "cli/schedule/schedule_home.h"

namespace dml::cli {

namespace {

namespace fs = std::filesystem;

constexpr Duration kToolTimeout = Duration::Seconds(60);

struct InstallOptions {
  bool systemd = false;
  bool cron = false;
  bool yes = false;
};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool InPath(const std::string& program) {
  std::stringstream folders(Variable("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && ::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// Where the user's units are.
Result<std::string> UnitFolder() {
  std::string config = Variable("XDG_CONFIG_HOME");
  // One that is relative counts as none: so says its specification, and so does systemd.
  if (!config.starts_with('/')) {
    config = Variable("HOME");
    if (config.empty()) return Error::Invalid("HOME is not set", "set it, or use --cron");
    if (!config.starts_with('/')) {
      return Error::Invalid("HOME is not an absolute path: '" + config + "'",
                            "set it, or use --cron");
    }
    config += "/.config";
  }
  return config + "/systemd/user";
}

// Of the folders that units of dml say were made for them, those that `folder` is in, the innermost
// first. Whoever removes the last unit removes them.
std::vector<std::string> FoldersMadeEarlier(const std::string& folder) {
  std::set<std::string> made;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto text = ReadFile(entry.path().string());
    if (!text.ok() || !IsOurUnit(*text)) continue;
    for (std::string& one : FoldersMadeFor(*text)) {
      if ((folder + "/").starts_with(one + "/")) made.insert(std::move(one));
    }
  }
  return {made.rbegin(), made.rend()};
}

// What `enable` made goes with the folder that was made for the unit.
void RemoveUnitFolders(const std::string& folder, const std::vector<std::string>& made) {
  if (std::ranges::find(made, folder) != made.end()) {
    RemoveEmptyFolders({folder + "/default.target.wants"});
  }
  RemoveEmptyFolders(made);
}

// Who uses it makes it again.
void RemoveEmptyHome(const std::string& home) {
  if (!DaemonRuns(home)) RemoveEmptyFolders({home + "/schedule", home});
}

Result<ServicePlace> PlaceOf(const std::string& home_flag) {
  std::error_code problem;
  ServicePlace place;
  place.program = fs::read_symlink("/proc/self/exe", problem).string();
  if (problem) return Error::System("cannot tell where dml is", problem.value());
  DML_TRY(const std::string home, HomePath(home_flag));
  place.home = fs::absolute(home, problem).lexically_normal().string();
  place.path = Variable("PATH");
  if ((place.home + place.path + place.program).find('\n') != std::string::npos) {
    return Error::Invalid("a path with a line break cannot be installed");
  }
  return place;
}

// That a tool is not there is a matter of this machine, as is that it fails.
Result<ChildEnd> RunTool(const std::vector<std::string>& argv, const Child::Options& options) {
  auto end = RunChild(argv, options, kToolTimeout);
  if (end.ok()) return end;
  return Error::Environment(end.error().message,
                            argv[0] == "crontab"
                                ? "nothing was changed; install cron, which has it, or use systemd"
                                : "nothing was changed; use --cron where there is no systemd");
}

// Runs a tool of the system; its failure is kEnvironment with what it said.
Result<std::string> Tool(const std::vector<std::string>& argv, const std::string& input = {}) {
  Child::Options options;
  options.input = input;
  DML_TRY(const ChildEnd end, RunTool(argv, options));
  if (end.code == 0 && !end.timed_out) return end.output;
  std::string command;
  for (const std::string& word : argv) command += (command.empty() ? "" : " ") + word;
  return Error::Environment(
      fmt::format("`{}` failed{}: {}", command, end.timed_out ? " (no answer)" : "", end.output));
}

// The user's table, whole: it is written back. Having none is an empty one; whatever else keeps it
// from being read is an error, since what is not seen here would be lost.
Result<std::string> ReadCrontab() {
  constexpr const char* kHint = "nothing was changed; `crontab -e` edits the table by hand";
  Child::Options options;
  options.errors_apart = true;
  options.env = {{"LC_ALL", "C"}};
  DML_TRY(ChildEnd end, RunTool({"crontab", "-l"}, options));
  if (end.timed_out) return Error::Environment("`crontab -l` does not answer", kHint);
  if (end.code != 0 && end.errors.find("no crontab for") != std::string::npos) return std::string();
  if (end.code != 0) {
    return Error::Environment(
        fmt::format("`crontab -l` failed with exit code {}: {}", end.code, end.errors), kHint);
  }
  if (end.cut) return Error::Environment("the crontab is too long to be edited here", kHint);
  return std::move(end.output);
}

bool Confirmed(const InstallOptions& options, const Output& output) {
  if (options.yes) return true;
  if (::isatty(STDIN_FILENO) == 0 || output.format() == Format::kJson) {
    output.Note("nothing was changed; --yes does it");
    return false;
  }
  output.RawMessage("go ahead? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// What is shown and reported of an installation.
struct Change {
  std::string kind;
  std::string path;
  std::string content;
};

void Show(const Change& change, const std::string& what, const Output& output) {
  if (output.format() == Format::kJson) return;
  output.Print(what + " " + change.path + ":\n\n" + change.content + "\n");
}

ExitCode Report(const Change& change, bool done, const Output& output) {
  if (output.format() == Format::kJson) {
    output.PrintJson({{"kind", change.kind},
                      {"path", change.path},
                      {"content", change.content},
                      {"changed", done}});
  }
  return ExitCode::kDone;
}

Result<ExitCode> InstallUnit(const ServicePlace& place, const InstallOptions& options,
                             const Output& output) {
  DML_TRY(const std::string folder, UnitFolder());
  const std::string name = UnitName(place.home);
  std::vector<std::string> folders = MissingFolders(folder);
  if (folders.empty()) folders = FoldersMadeEarlier(folder);
  const Change change{"systemd", folder + "/" + name, UnitText(place, folders)};
  const auto old = ReadFile(change.path);
  if (old.ok() && !IsOurUnit(*old)) {
    return Error::Invalid("'" + change.path + "' was not written by dml", "move it away first");
  }
  Show(change, "the unit", output);
  if (!Confirmed(options, output)) return Report(change, false, output);
  DML_TRY(NewFolder made, NewFolder::Make(folder));
  DML_RETURN_IF_ERROR(WriteFileAtomic(change.path, change.content));
  auto started = Tool({"systemctl", "--user", "daemon-reload"});
  if (started.ok()) started = Tool({"systemctl", "--user", "enable", "--now", name});
  if (!started.ok()) {
    // What nobody starts must not look installed.
    if (old.ok()) {
      DML_RETURN_IF_ERROR(WriteFileAtomic(change.path, *old));
    } else {
      ::unlink(change.path.c_str());
    }
    Error error = std::move(started).error();
    error.hint = "nothing was installed; `dml schedule install --cron` does without systemd";
    return error;
  }
  made.Keep();
  output.Note(
      "installed and started; `loginctl enable-linger` keeps it running after a logout,\n"
      "`journalctl --user -u " +
      name + "` shows what it says");
  return Report(change, true, output);
}

Result<ExitCode> InstallLine(const ServicePlace& place, const InstallOptions& options,
                             const Output& output) {
  const Change change{"crontab", "crontab", CrontabLine(place)};
  Show(change, "the line of", output);
  if (!Confirmed(options, output)) return Report(change, false, output);
  DML_TRY(NewFolder made, NewFolder::Make(place.home + "/schedule"));
  DML_TRY(const std::string before, ReadCrontab());
  std::string table = WithoutLine(before, place.home);
  if (!table.empty() && !table.ends_with('\n')) table += '\n';
  DML_TRY([[maybe_unused]] const std::string said, Tool({"crontab", "-"}, table + change.content));
  made.Keep();
  output.Note("installed; it starts within a minute and writes to " + place.home +
              "/schedule/daemon.log");
  return Report(change, true, output);
}

Result<ExitCode> RunInstall(const InstallOptions& options, const std::string& home_flag,
                            const Output& output) {
  DML_TRY(const ServicePlace place, PlaceOf(home_flag));
  if (options.systemd && options.cron) return Error::Invalid("choose --systemd or --cron");
  if (options.systemd || (!options.cron && InPath("systemctl"))) {
    return InstallUnit(place, options, output);
  }
  if (options.cron || InPath("crontab")) return InstallLine(place, options, output);
  return Error::Environment("neither systemctl nor crontab is in PATH",
                            "let whatever starts your programs run `dml schedule daemon`");
}

// The unit of this home, if there is one.
std::optional<Change> FindUnit(const ServicePlace& place) {
  const auto folder = UnitFolder();
  if (!folder.ok()) return std::nullopt;
  const std::string path = *folder + "/" + UnitName(place.home);
  const auto unit = ReadFile(path);
  if (!unit.ok() || !IsOurUnit(*unit)) return std::nullopt;
  return Change{"systemd", path, *unit};
}

Result<std::optional<Change>> FindLine(const ServicePlace& place) {
  std::string table;
  if (InPath("crontab")) {
    DML_TRY(table, ReadCrontab());
  }
  if (!HasLine(table, place.home)) return std::optional<Change>();
  return std::optional(Change{"crontab", "crontab", CrontabLine(place)});
}

Result<void> RemoveUnit(const Change& unit, const Output& output) {
  const fs::path path = unit.path;
  const std::string name = path.filename().string();
  // A daemon that cannot be stopped must not keep its unit.
  const auto stopped = Tool({"systemctl", "--user", "disable", "--now", name});
  if (!stopped.ok()) output.Warn(stopped.error().message);
  const std::vector<std::string> made = FoldersMadeEarlier(path.parent_path().string());
  if (::unlink(path.c_str()) != 0) return Error::System("cannot remove '" + unit.path + "'", errno);
  const auto reloaded = Tool({"systemctl", "--user", "daemon-reload"});
  if (!reloaded.ok()) output.Warn(reloaded.error().message);
  RemoveUnitFolders(path.parent_path().string(), made);
  return {};
}

Result<void> RemoveLine(const ServicePlace& place) {
  DML_TRY(const std::string now, ReadCrontab());  // it may have been edited meanwhile
  DML_TRY([[maybe_unused]] const std::string said,
          Tool({"crontab", "-"}, WithoutLine(now, place.home)));
  return {};
}

// Whatever keeps a daemon of this home running: a unit, a line, or both.
Result<ExitCode> RunUninstall(const InstallOptions& options, const std::string& home_flag,
                              const Output& output) {
  DML_TRY(const ServicePlace place, PlaceOf(home_flag));
  const std::optional<Change> unit = FindUnit(place);
  const auto line = FindLine(place);
  if (!line.ok() && !unit) return line.error();
  if (!line.ok()) output.Warn("its crontab is left as it is: " + line.error().message);
  const bool in_crontab = line.ok() && line->has_value();
  if (!unit && !in_crontab) {
    return Error::Invalid("nothing is installed for '" + place.home + "'");
  }
  if (unit) Show(*unit, "to be removed, the unit", output);
  if (in_crontab) Show(**line, "to be removed, the line of", output);
  const Change& first = unit ? *unit : **line;
  if (!Confirmed(options, output)) return Report(first, false, output);
  if (unit) DML_RETURN_IF_ERROR(RemoveUnit(*unit, output));
  if (in_crontab) DML_RETURN_IF_ERROR(RemoveLine(place));
  RemoveEmptyHome(place.home);
  if (unit && in_crontab) output.Note("removed the unit and the line of the crontab");
  if (unit && !in_crontab) output.Note("removed");
  if (!unit) output.Note("removed; a daemon that runs goes on until it is told to stop");
  return Report(first, true, output);
}

}  // namespace

Action SetupScheduleInstall(Args& args, CommonOptions& common) {
  auto options = std::make_shared<InstallOptions>();
  args.Flag("--systemd", options->systemd, "a unit of the user's systemd (default where it is)");
  args.Flag("--cron", options->cron, "a line of the user's crontab");
  args.Flag("-y,--yes", options->yes, "do not ask");
  args.Describe("Shows what it would write, asks, writes it and starts the daemon.");
  args.Example("dml schedule install", "show it, then ask");
  args.Example("dml schedule install --cron --yes", "without systemd, without a question");
  return [options, &common](Output& output) { return RunInstall(*options, common.home, output); };
}

Action SetupScheduleUninstall(Args& args, CommonOptions& common) {
  auto options = std::make_shared<InstallOptions>();
  args.Flag("-y,--yes", options->yes, "do not ask");
  args.Describe(
      "Removes the unit or the line of this home, the folders that were made for it if they are\n"
      "empty, and nothing else.");
  args.Example("dml schedule uninstall", "show it, then ask");
  return [options, &common](Output& output) { return RunUninstall(*options, common.home, output); };
}

}  // namespace dml::cli
