#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/folder_owner.h"
#include "base/suggest.h"
#include "cli/command.h"
#include "cli/inspect/runs.h"

namespace dml::cli {

namespace {

const Command* FindCommand(std::span<const Command> commands, std::string_view name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string ListOf(std::span<const Command> commands) {
  std::string out;
  for (const Command& command : commands) {
    if (!command.hidden) out += fmt::format("  {:<12}{}\n", command.name, command.summary);
  }
  return out;
}

std::string GroupHelp(const Command& group) {
  return fmt::format(
      "{0}\n\nUsage: dml {1} COMMAND [arguments] [options]\n\nCommands:\n{2}\n"
      "`dml {1} COMMAND --help` shows the options and examples of a command.\n\n{3}",
      group.summary, group.name, ListOf(group.members()), kExitCodesHelp);
}

std::string Overview() {
  std::string out =
      "dml trains machine-learning models from a declarative pipeline.\n\n"
      "Usage: dml COMMAND [arguments] [options]\n\nCommands:\n";
  out += ListOf(AllCommands());
  out +=
      "\n`dml COMMAND --help` shows the options and examples of a command.\n\n"
      "Examples:\n"
      "  dml run pipeline.yaml          run what is not up to date\n"
      "  dml plan pipeline.yaml         what would run, and why\n"
      "  dml report                     the newest run as one HTML file\n\n";
  return out + kExitCodesHelp;
}

Error UnknownMember(const Command& group, const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : group.members()) {
    if (!command.hidden) known.emplace_back(command.name);
  }
  const std::string nearest = DidYouMean(name, known);
  return Error::Invalid(fmt::format("unknown command '{} {}'", group.name, name),
                        nearest.empty() ? fmt::format("see `dml {} --help`", group.name) : nearest);
}

Error UnknownCommand(const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : AllCommands()) {
    if (!command.hidden) known.emplace_back(command.name);
  }
  if (name.starts_with("-")) {
    return Error::Invalid("unknown option '" + name + "' before the command", "see `dml --help`");
  }
  if (name.ends_with(".yaml") || name.ends_with(".yml")) {
    return Error::Invalid("unknown command '" + name + "'", "did you mean `dml run " + name + "`?");
  }
  const std::string nearest = DidYouMean(name, known);
  return Error::Invalid("unknown command '" + name + "'",
                        nearest.empty() ? "see `dml --help`" : nearest);
}

// `dml --home X run p.yaml` means `dml run p.yaml --home X`: moves common options that stand
// before the command behind it.
void MoveLeadingOptions(std::vector<std::string>& args) {
  std::size_t count = 0;
  while (count < args.size() && args[count].starts_with("-") && args[count].size() > 1) {
    const std::string& arg = args[count];
    if (arg == "-h" || arg == "--help" || arg == "--version") return;
    const bool takes_value = arg == "--home" || arg == "-o" || arg == "--output";
    const bool known = takes_value || arg == "-q" || arg == "--quiet" || arg == "-v" ||
                       arg == "--verbose" || arg == "--no-color" || arg.starts_with("--home=") ||
                       arg.starts_with("--output=");
    if (!known) return;
    count += takes_value ? 2 : 1;
  }
  if (count >= args.size()) return;
  std::rotate(args.begin(), args.begin() + static_cast<std::ptrdiff_t>(count),
              args.begin() + static_cast<std::ptrdiff_t>(count) + 1);
}

// A result that did not arrive is a failure, unless there was a worse one before.
ExitCode EndWith(ExitCode code, const Output& output) {
  const Result<void> delivered = output.Delivered();
  if (delivered.ok()) return code;
  output.Problem(delivered.error());
  return code == ExitCode::kDone ? ExitCodeOf(delivered.error()) : code;
}

// Whether `-o json` stands among the arguments, whatever else is wrong with them.
bool AsksForJson(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--") return false;
    if (arg == "-ojson" || arg == "-o=json" || arg == "--output=json") return true;
    const bool named = arg == "-o" || arg == "--output";
    if (named && i + 1 < args.size() && args[i + 1] == "json") return true;
  }
  return false;
}

// For people on stderr, and for a program that waits for a document on stdout.
ExitCode EndWithError(const Error& error, ExitCode code, const Output& output) {
  output.Problem(error);
  if (output.format() == Format::kJson && !output.has_printed()) output.PrintError(error);
  return EndWith(code, output);
}

// Of a command line that names no command.
ExitCode EndUnknown(const Error& error, const std::vector<std::string>& args,
                    CommonOptions common) {
  if (AsksForJson(args)) common.format = "json";
  return EndWithError(error, ExitCode::kUsage, Output(common));
}

ExitCode Show(const std::string& text, ExitCode code, const CommonOptions& common) {
  const Output output(common);
  output.Print(text);
  return EndWith(code, output);
}

// What root has made in the home of somebody else, for itself and by its tasks.
void GiveHomeBack(const CommonOptions& common) {
  if (::geteuid() != 0) return;
  const auto home = HomePath(common.home);
  if (home.ok()) GiveAllToOwnerOfFolder(*home);
}

ExitCode RunCommand(const Command& command, const std::string& name,
                    const std::vector<std::string>& args, CommonOptions& common) {
  Args parser(name, command.summary);
  const Action action = command.setup(parser, common);
  const bool names_file = parser.Has("-o");
  AddCommonOptions(parser, common);
  const Result<bool> help = parser.Parse(args);
  if (!help.ok()) {
    if (!names_file && AsksForJson(args)) common.format = "json";
    return EndWithError(help.error(), ExitCode::kUsage, Output(common));
  }
  Output output(common);
  if (*help) {
    output.Print(parser.Help());
    return EndWith(ExitCode::kDone, output);
  }
  const Result<ExitCode> result = action(output);
  if (!command.hidden) GiveHomeBack(common);
  if (result.ok()) return EndWith(*result, output);
  return EndWithError(result.error(), ExitCodeOf(result.error()), output);
}

}  // namespace

void AddCommonOptions(Args& args, CommonOptions& common) {
  args.Value("--home", "DIR", common.home,
             "where runs and results are kept (default: .dml, searched upwards; or DML_HOME)");
  if (!args.Has("-o")) {  // some commands write a file, and -o names it
    args.Choice("-o,--output", {"table", "json"}, common.format, "what stdout carries");
  }
  args.Flag("-q,--quiet", common.quiet, "no progress, only results and errors");
  args.Flag("-v,--verbose", common.verbose,
            "say more: every row of `plan`, what the steps of `predict` log and, away from a "
            "terminal, the skipped tasks of a large run");
  args.Flag("--no-color", common.no_color, "no colours (also: NO_COLOR=1)");
}

ExitCode Dispatch(std::vector<std::string> args) {
  ReserveStandardStreams();
  MoveLeadingOptions(args);
  CommonOptions common;
  if (args.empty() || args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
    if (args.size() < 2 || args[0] != "help") {
      return Show(Overview(), args.empty() ? ExitCode::kUsage : ExitCode::kDone, common);
    }
    args.erase(args.begin());  // `dml help schedule add`
    args.emplace_back("--help");
  }
  if (args[0] == "--version") args[0] = "version";
  const Command* command = FindCommand(AllCommands(), args[0]);
  if (command == nullptr) {
    return EndUnknown(UnknownCommand(args[0]), args, common);
  }
  args.erase(args.begin());
  std::string name = command->name;
  if (command->members != nullptr) {
    if (args.empty() || args[0] == "-h" || args[0] == "--help") {
      return Show(GroupHelp(*command), args.empty() ? ExitCode::kUsage : ExitCode::kDone, common);
    }
    MoveLeadingOptions(args);
    const Command* member = FindCommand(command->members(), args[0]);
    if (member == nullptr) {
      return EndUnknown(UnknownMember(*command, args[0]), args, common);
    }
    args.erase(args.begin());
    name += std::string(" ") + member->name;
    command = member;
  }
  return RunCommand(*command, name, args, common);
}

}  // namespace dml::cli
