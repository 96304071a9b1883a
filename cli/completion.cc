#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/command.h"

namespace dml::cli {

namespace {

struct CommandShape {
  std::string name;
  std::string summary;
  std::vector<OptionInfo> options;
  std::vector<std::string> members;  // of a group
};

// A group has the options of all its members.
CommandShape GroupShape(const Command& group) {
  CommandShape shape{group.name, group.summary, {}, {}};
  for (const Command& member : group.members()) {
    if (member.hidden) continue;
    shape.members.emplace_back(member.name);
    CommonOptions common;
    Args args(member.name, member.summary);
    const Action owner = member.setup(args, common);  // keeps the targets alive
    AddCommonOptions(args, common);
    for (const OptionInfo& option : args.options()) {
      const bool known = std::ranges::any_of(
          shape.options, [&](const OptionInfo& other) { return other.names == option.names; });
      if (!known) shape.options.push_back(option);
    }
  }
  return shape;
}

std::vector<CommandShape> Shapes() {
  std::vector<CommandShape> shapes;
  for (const Command& command : AllCommands()) {
    if (command.hidden) continue;
    if (command.members != nullptr) {
      shapes.push_back(GroupShape(command));
      continue;
    }
    CommonOptions common;
    Args args(command.name, command.summary);
    const Action owner = command.setup(args, common);  // keeps the targets alive
    AddCommonOptions(args, common);
    shapes.push_back({command.name, command.summary, args.options(), {}});
  }
  return shapes;
}

std::string QuotedOnce(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Options that take one of a few words, as patterns of `case`: "table json" ->
// "run:-o|run:--output".
std::map<std::string, std::string> ChoicesOf(const std::vector<CommandShape>& shapes) {
  std::map<std::string, std::string> out;
  for (const CommandShape& shape : shapes) {
    for (const OptionInfo& option : shape.options) {
      if (option.choices.empty()) continue;
      std::string& patterns = out[fmt::format("{}", fmt::join(option.choices, " "))];
      for (const std::string& name : option.names) {
        patterns += fmt::format("{}{}:{}", patterns.empty() ? "" : "|", shape.name, name);
      }
    }
  }
  return out;
}

// Whose arguments are tasks, and whose are runs, as patterns of `case` in bash and zsh.
constexpr std::string_view kTakeTasks = "logs|explain|predict";
constexpr std::string_view kTakeRuns = "status|report|metrics|resume|retry|stop";

std::string Bash(const std::vector<CommandShape>& shapes) {
  std::string commands;
  std::string cases;
  for (const CommandShape& shape : shapes) {
    commands += shape.name + " ";
    std::string names;
    for (const OptionInfo& option : shape.options) {
      for (const std::string& name : option.names) names += name + " ";
    }
    cases += fmt::format("    {}) options=\"{}\" members=\"{}\" ;;\n", shape.name, names + "--help",
                         fmt::join(shape.members, " "));
  }
  std::string choices;
  for (const auto& [words, patterns] : ChoicesOf(shapes)) {
    choices +=
        fmt::format("    {})\n      COMPREPLY=($(compgen -W \"{}\" -- \"$word\")); return ;;\n",
                    patterns, words);
  }
  // Names of tasks are compared, never handed to compgen, which would expand what is in them. To
  // bash `model@C=0.1` is several words: what it has of them already is left out.
  return fmt::format(
      "# bash completion of dml; source it in ~/.bashrc\n"
      "_dml_names() {{\n"
      "  local typed=\"${{COMP_LINE:0:COMP_POINT}}\" name\n"
      "  typed=\"${{typed##* }}\"\n"
      "  local kept=\"${{typed%\"${{typed##*[=@:]}}\"}}\"\n"
      "  while IFS= read -r name; do\n"
      "    [[ $name == \"$typed\"* ]] && COMPREPLY+=(\"${{name#\"$kept\"}}\")\n"
      "  done\n"
      "}}\n"
      "_dml() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\"\n"
      "  local command=\"${{COMP_WORDS[1]}}\" options=\"\" members=\"\"\n"
      "  COMPREPLY=()\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{0}\" -- \"$word\")); return\n"
      "  fi\n"
      "  case \"$command\" in\n{1}  esac\n"
      "  case \"$command:$before\" in\n{2}"
      "    *:-r|*:--run) _dml_names < <(dml ls --names 2>/dev/null); return ;;\n"
      "  esac\n"
      "  if [[ $word == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\")); return\n"
      "  elif [[ -n $members && $COMP_CWORD -eq 2 ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$members\" -- \"$word\")); return\n"
      "  fi\n"
      "  case \"$command\" in\n"
      "    steps) COMPREPLY=($(compgen -W \"$(dml steps --names 2>/dev/null)\" -- \"$word\")) ;;\n"
      "    completion) COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$word\")) ;;\n"
      "    {3}) _dml_names < <(dml status --names 2>/dev/null) ;;\n"
      "    {4}) _dml_names < <(dml ls --names 2>/dev/null) ;;\n"
      "  esac\n"
      "  if [[ ${{#COMPREPLY[@]}} -eq 0 || $command == predict ]]; then\n"
      "    COMPREPLY+=($(compgen -f -- \"$word\"))\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _dml dml\n",
      commands, cases, choices, kTakeTasks, kTakeRuns);
}

std::string Zsh(const std::vector<CommandShape>& shapes) {
  std::string commands;
  std::string cases;
  for (const CommandShape& shape : shapes) {
    commands += "    " + QuotedOnce(shape.name + ":" + shape.summary) + "\n";
    std::string names;
    for (const OptionInfo& option : shape.options) {
      for (const std::string& name : option.names) names += name + " ";
    }
    cases += fmt::format("    {}) options=({}--help) members=({}) ;;\n", shape.name, names,
                         fmt::join(shape.members, " "));
  }
  return fmt::format(
      "#compdef dml\n"
      "_dml() {{\n"
      "  local -a commands options members\n"
      "  commands=(\n{0}  )\n"
      "  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
      "  case $words[2] in\n{1}  esac\n"
      "  if [[ $words[CURRENT] == -* ]]; then compadd -- $options\n"
      "  elif (( CURRENT == 3 && $#members )); then compadd -- $members\n"
      "  elif [[ $words[CURRENT-1] == (-o|--output) && $words[2] != (report|predict) ]]; then\n"
      "    compadd table json\n"
      "  else\n"
      "    case $words[2] in\n"
      "      steps) compadd -- $(dml steps --names 2>/dev/null) ;;\n"
      "      completion) compadd bash zsh fish ;;\n"
      "      {2}) compadd -- ${{(f)\"$(dml status --names 2>/dev/null)\"}}; _files ;;\n"
      "      {3}) compadd -- ${{(f)\"$(dml ls --names 2>/dev/null)\"}} ;;\n"
      "      *) _files ;;\n"
      "    esac\n"
      "  fi\n"
      "}}\n"
      "compdef _dml dml\n",
      commands, cases, kTakeTasks, kTakeRuns);
}

std::string Fish(const std::vector<CommandShape>& shapes) {
  std::string out = "# fish completion of dml\n";
  for (const CommandShape& shape : shapes) {
    out += fmt::format("complete -c dml -n __fish_use_subcommand -f -a {} -d {}\n", shape.name,
                       QuotedOnce(shape.summary));
    if (!shape.members.empty()) {
      out += fmt::format("complete -c dml -n '__fish_seen_subcommand_from {}' -f -a '{}'\n",
                         shape.name, fmt::join(shape.members, " "));
    }
    for (const OptionInfo& option : shape.options) {
      std::string names;
      for (const std::string& name : option.names) {
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (names.empty()) continue;
      std::string value = option.value.empty() ? "" : " -r";
      if (!option.choices.empty()) {
        value += fmt::format(" -f -a '{}'", fmt::join(option.choices, " "));
      }
      out += fmt::format("complete -c dml -n '__fish_seen_subcommand_from {}'{}{} -d {}\n",
                         shape.name, names, value, QuotedOnce(option.doc));
    }
  }
  return out +
         "complete -c dml -n '__fish_seen_subcommand_from steps' -f "
         "-a '(dml steps --names 2>/dev/null)'\n"
         "complete -c dml -n '__fish_seen_subcommand_from logs explain predict' "
         "-a '(dml status --names 2>/dev/null)'\n"
         "complete -c dml -n '__fish_seen_subcommand_from status report metrics resume retry stop' "
         "-f -a '(dml ls --names 2>/dev/null)'\n"
         "complete -c dml -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n";
}

}  // namespace

Result<std::string> CompletionScript(const std::string& shell) {
  if (shell == "bash") return Bash(Shapes());
  if (shell == "zsh") return Zsh(Shapes());
  if (shell == "fish") return Fish(Shapes());
  return Error::Invalid("no completion for '" + shell + "'", "choose bash, zsh or fish");
}

}  // namespace dml::cli
