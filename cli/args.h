#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dml::cli {

// What one option looks like, for help and for shell completion.
struct OptionInfo {
  std::vector<std::string> names;  // "-j", "--jobs"; empty for a positional
  std::string value;               // "N", "FILE"; empty for a flag
  std::string doc;
  std::vector<std::string> choices;
  bool required = false;
  bool many = false;
  [[nodiscard]] bool positional() const { return names.empty(); }
};

// The command line of one subcommand: a thin face of CLI11, which is included in args.cc alone
// because it is slow to compile. Targets are borrowed and must outlive Parse().
class Args {
 public:
  Args(std::string command, std::string summary);
  ~Args();
  Args(const Args&) = delete;
  Args& operator=(const Args&) = delete;

  // `names` as in "-k,--keep-going".
  void Flag(const std::string& names, bool& target, const std::string& doc);
  void Value(const std::string& names, const std::string& value, std::string& target,
             const std::string& doc);
  void Number(const std::string& names, const std::string& value, int& target, int low, int high,
              const std::string& doc);
  void Choice(const std::string& names, const std::vector<std::string>& choices,
              std::string& target, const std::string& doc);
  // May be given more than once.
  void Values(const std::string& names, const std::string& value, std::vector<std::string>& target,
              const std::string& doc);
  void Positional(const std::string& name, std::string& target, bool required,
                  const std::string& doc);
  void Positionals(const std::string& name, std::vector<std::string>& target, bool required,
                   const std::string& doc);
  [[nodiscard]] bool Has(const std::string& name) const;
  // A paragraph below the summary.
  void Describe(std::string text) { description_ = std::move(text); }
  void Example(std::string command, std::string what) {
    examples_.emplace_back(std::move(command), std::move(what));
  }

  // Fills the targets; true when help was asked for instead. An unknown option is kInvalid with
  // the nearest known one.
  Result<bool> Parse(const std::vector<std::string>& args);

  [[nodiscard]] std::string Help() const;
  [[nodiscard]] const std::vector<OptionInfo>& options() const { return options_; }
  [[nodiscard]] const std::string& command() const { return command_; }

 private:
  struct Parser;
  [[nodiscard]] Error UnknownArgument(const std::string& word) const;
  [[nodiscard]] std::string UsageLine() const;

  std::string command_;
  std::string summary_;
  std::string description_;
  std::vector<std::pair<std::string, std::string>> examples_;
  std::vector<OptionInfo> options_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace dml::cli
