#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/args.h"
#include "cli/display/output.h"
#include "cli/exit_code.h"

namespace dml::cli {

// What a subcommand does once its options are filled in. An Error is printed by the dispatcher and
// becomes its exit code.
using Action = std::function<Result<ExitCode>(Output& output)>;

// A subcommand: `setup` declares its options and returns the action that owns them. Only the chosen
// command is set up, which is why `dml version` is fast.
struct Command {
  const char* name;
  const char* summary;
  Action (*setup)(Args& args, CommonOptions& common);  // null for a group
  bool hidden = false;
  // Of a group such as `dml schedule`, whose second word is the command.
  std::span<const Command> (*members)() = nullptr;
};

// Every subcommand, in the order of the help page.
std::span<const Command> AllCommands();

// The options every subcommand has: --home, -o, -q, -v, --no-color. Called after its own ones.
void AddCommonOptions(Args& args, CommonOptions& common);

// The program without its name: finds the command, parses, runs, reports errors.
ExitCode Dispatch(std::vector<std::string> args);

}  // namespace dml::cli
