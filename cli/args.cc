#include "cli/args.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "base/suggest.h"
#include "cli/exit_code.h"

namespace dml::cli {

namespace {

constexpr std::size_t kDocColumn = 28;
constexpr std::size_t kHelpWidth = 96;

std::vector<std::string> SplitNames(const std::string& names) {
  std::vector<std::string> out;
  std::stringstream stream(names);
  for (std::string name; std::getline(stream, name, ',');) out.push_back(name);
  return out;
}

std::string Joined(const std::vector<std::string>& items, const char* separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

// What CLI11 calls a positional: the shown names may hold spaces and brackets.
std::string PlainName(std::size_t position) { return fmt::format("positional{}", position); }

// `text` folded at spaces, its lines indented to kDocColumn.
std::string Folded(const std::string& text) {
  std::string out;
  std::size_t column = kDocColumn;
  std::stringstream words(text);
  for (std::string word; words >> word;) {
    if (column + word.size() + 1 > kHelpWidth) {
      out += "\n" + std::string(kDocColumn, ' ');
      column = kDocColumn;
    } else if (column > kDocColumn) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string HelpRow(const std::string& left, const std::string& doc) {
  const std::string head = "  " + left;
  const bool fits = head.size() + 2 <= kDocColumn;
  return head +
         (fits ? std::string(kDocColumn - head.size(), ' ') : "\n" + std::string(kDocColumn, ' ')) +
         Folded(doc) + "\n";
}

// Long options stand in one column whether or not they have a short form.
std::string OptionHead(const OptionInfo& info) {
  std::string head = info.names.front().starts_with("--") ? "    " : "";
  head += Joined(info.names, ", ");
  return info.value.empty() ? head : head + " " + info.value;
}

// In decimal digits: 010 is ten.
std::optional<int> WholeArgument(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

constexpr int kExampleNumber = 4;

// A check's complaint has two lines: what is wrong, and an example.
std::string Complaint(const std::string& text, const std::string& wanted,
                      const std::string& example) {
  return fmt::format("'{}' is not {}\n{}", text, wanted, example);
}

// What CLI11 found wrong with the option that its message begins with; its own words are about its
// own types.
Error MisusedOption(const OptionInfo& info, const std::string& name, const std::string& words) {
  if (const std::size_t line = words.find('\n'); line != std::string::npos) {
    const std::string example = words.substr(line + 1);
    const bool meant = example.starts_with("did you mean");
    return Error::Invalid(words.substr(0, line),
                          meant ? example : fmt::format("for example {} {}", name, example));
  }
  if (words.ends_with("missing")) {
    return Error::Invalid(fmt::format("'{}' needs {}: {}", name, info.value, info.doc),
                          fmt::format("for example {} {}", name,
                                      info.choices.empty() ? info.value : info.choices.front()));
  }
  if (info.value.empty()) return Error::Invalid(fmt::format("'{}' takes no value", name));
  return Error::Invalid(fmt::format("'{}' is given more than once", name), "give it once");
}

}  // namespace

struct Args::Parser {
  CLI::App app;
};

Args::Args(std::string command, std::string summary)
    : command_(std::move(command)),
      summary_(std::move(summary)),
      parser_(std::make_unique<Parser>()) {
  parser_->app.set_help_flag();
  parser_->app.allow_extras();
}

Args::~Args() = default;

void Args::Flag(const std::string& names, bool& target, const std::string& doc) {
  parser_->app.add_flag(names, target);
  options_.push_back({SplitNames(names), "", doc, {}, false, false});
}

void Args::Value(const std::string& names, const std::string& value, std::string& target,
                 const std::string& doc) {
  parser_->app.add_option(names, target);
  options_.push_back({SplitNames(names), value, doc, {}, false, false});
}

void Args::Number(const std::string& names, const std::string& value, int& target, int low,
                  int high, const std::string& doc) {
  const auto check = [low, high](const std::string& text) {
    const auto number = WholeArgument(text);
    if (number && *number >= low && *number <= high) return std::string();
    return Complaint(text, fmt::format("a whole number from {} to {}", low, high),
                     fmt::format("{}", std::clamp(kExampleNumber, low, high)));
  };
  const auto set = [&target](const std::string& text) { target = *WholeArgument(text); };
  parser_->app.add_option_function<std::string>(names, set)->check(CLI::Validator(check, ""));
  options_.push_back({SplitNames(names), value, doc, {}, false, false});
}

void Args::Choice(const std::string& names, const std::vector<std::string>& choices,
                  std::string& target, const std::string& doc) {
  const auto check = [choices](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return std::string();
    const std::string hint = DidYouMean(text, choices);
    return Complaint(text, Joined(choices, " or "), hint.empty() ? choices.front() : hint);
  };
  parser_->app.add_option(names, target)->check(CLI::Validator(check, ""));
  options_.push_back({SplitNames(names), Joined(choices, "|"), doc, choices, false, false});
}

void Args::Values(const std::string& names, const std::string& value,
                  std::vector<std::string>& target, const std::string& doc) {
  parser_->app.add_option(names, target)->expected(1)->take_all()->allow_extra_args(false);
  options_.push_back({SplitNames(names), value, doc, {}, false, true});
}

void Args::Positional(const std::string& name, std::string& target, bool required,
                      const std::string& doc) {
  parser_->app.add_option(PlainName(options_.size()), target)->required(required);
  options_.push_back({{}, name, doc, {}, required, false});
}

void Args::Positionals(const std::string& name, std::vector<std::string>& target, bool required,
                       const std::string& doc) {
  parser_->app.add_option(PlainName(options_.size()), target)->required(required);
  options_.push_back({{}, name, doc, {}, required, true});
}

bool Args::Has(const std::string& name) const {
  return std::any_of(options_.begin(), options_.end(), [&](const OptionInfo& info) {
    return std::find(info.names.begin(), info.names.end(), name) != info.names.end();
  });
}

Error Args::UnknownArgument(const std::string& word) const {
  const std::string hint = "see `dml " + command_ + " --help`";
  if (!word.starts_with("-") || word == "-") {
    return Error::Invalid("unexpected argument '" + word + "'", hint);
  }
  std::vector<std::string> known;
  for (const OptionInfo& info : options_) {
    known.insert(known.end(), info.names.begin(), info.names.end());
  }
  const std::string name = word.substr(0, word.find('='));
  const std::string nearest = DidYouMean(name, known);
  return Error::Invalid("unknown option '" + name + "'", nearest.empty() ? hint : nearest);
}

Result<bool> Args::Parse(const std::vector<std::string>& args) {
  for (const std::string& arg : args) {
    if (arg == "--") break;
    if (arg == "-h" || arg == "--help") return true;
  }
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());  // as CLI11 wants them
    parser_->app.parse(std::move(reversed));
  } catch (const CLI::RequiredError&) {
    for (std::size_t i = 0; i < options_.size(); ++i) {
      const OptionInfo& info = options_[i];
      if (!info.positional() || !info.required) continue;
      if (parser_->app.get_option(PlainName(i))->count() > 0) continue;
      return Error::Invalid("'dml " + command_ + "' needs " + info.value + ": " + info.doc,
                            "usage: " + UsageLine());
    }
    return Error::Invalid("'dml " + command_ + "' needs more arguments", "usage: " + UsageLine());
  } catch (const CLI::ParseError& problem) {
    const std::string words = problem.what();
    for (const OptionInfo& info : options_) {
      for (const std::string& name : info.names) {
        if (words.starts_with(name + ":") ||
            words.starts_with("Could not convert: " + name + " = ")) {
          return MisusedOption(info, name, words);
        }
      }
    }
    return Error::Invalid(words, "see `dml " + command_ + " --help`");
  }
  for (const std::string& extra : parser_->app.remaining()) {
    if (extra != "--") return UnknownArgument(extra);
  }
  return false;
}

std::string Args::UsageLine() const {
  std::string line = "dml " + command_;
  for (const OptionInfo& info : options_) {
    if (!info.positional()) continue;
    const std::string name = info.many ? info.value + "..." : info.value;
    line += info.required ? " " + name : " [" + name + "]";
  }
  return line + " [options]";
}

std::string Args::Help() const {
  std::string out = summary_ + "\n\nUsage: " + UsageLine() + "\n";
  if (!description_.empty()) out += "\n" + description_ + "\n";
  std::string positionals;
  std::string options;
  for (const OptionInfo& info : options_) {
    if (info.positional()) {
      positionals += HelpRow(info.value, info.doc);
    } else {
      options += HelpRow(OptionHead(info), info.doc);
    }
  }
  options += HelpRow("-h, --help", "show this page");
  if (!positionals.empty()) out += "\nArguments:\n" + positionals;
  out += "\nOptions:\n" + options;
  if (!examples_.empty()) {
    out += "\nExamples:\n";
    std::size_t width = 0;
    for (const auto& [command, what] : examples_) width = std::max(width, command.size());
    for (const auto& [command, what] : examples_) {
      out += fmt::format("  {:<{}}  {}\n", command, width, what);
    }
  }
  return out + "\n" + kExitCodesHelp;
}

}  // namespace dml::cli
