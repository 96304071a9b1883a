#include "cli/schedule/daemon_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "cli/display/output.h"

namespace dml::cli {

namespace {

constexpr std::string_view kUnitMark = "# Written by `dml schedule install`";
constexpr std::string_view kFolderMark = "# Made for it: ";

// A word of a systemd unit: C escapes between quotes, and neither specifiers nor variables.
std::string UnitWord(const std::string& text, bool of_command) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || (c == '$' && of_command)) out += c;
    out += c;
  }
  return out + "\"";
}

// In a crontab a bare % ends the command.
std::string CrontabWord(const std::string& text) {
  std::string out;
  for (const char c : ShellWord(text)) {
    if (c == '%') out += '\\';
    out += c;
  }
  return out;
}

std::string Mark(const std::string& home) { return " # dml schedule of " + home; }

}  // namespace

std::string UnitName(const std::string& home) {
  return "dml-schedule-" + Sha256::Of(home).Hex().substr(0, 8) + ".service";
}

std::string UnitText(const ServicePlace& place, const std::vector<std::string>& folders) {
  std::string made;
  for (const std::string& folder : folders) {
    // A name with a line break would be another line of the unit.
    if (folder.find('\n') == std::string::npos) made += fmt::format("{}{}\n", kFolderMark, folder);
  }
  return fmt::format(
      "{}; `dml schedule uninstall` removes it.\n"
      "{}"
      "[Unit]\n"
      "Description={}\n"
      "\n"
      "[Service]\n"
      "ExecStart={} schedule daemon --home {}\n"
      "Environment={}\n"
      "Restart=always\n"
      "RestartSec=5\n"
      "# Runs outlive the daemon that has started them.\n"
      "KillMode=process\n"
      "\n"
      "[Install]\n"
      "WantedBy=default.target\n",
      kUnitMark, made, "dml pipelines that run by the clock", UnitWord(place.program, true),
      UnitWord(place.home, true), UnitWord("PATH=" + place.path, false));
}

std::vector<std::string> FoldersMadeFor(std::string_view text) {
  std::vector<std::string> folders;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(kFolderMark)) folders.emplace_back(line.substr(kFolderMark.size()));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return folders;
}

bool IsOurUnit(std::string_view text) { return text.starts_with(kUnitMark); }

std::string CrontabLine(const ServicePlace& place) {
  return fmt::format("* * * * * PATH={} {} schedule daemon --if-none --home {} >>{} 2>&1{}\n",
                     CrontabWord(place.path), CrontabWord(place.program), CrontabWord(place.home),
                     CrontabWord(place.home + "/schedule/daemon.log"), Mark(place.home));
}

std::string WithoutLine(std::string_view table, const std::string& home) {
  std::string out;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size() - 1) + 1;
    std::string_view line = table.substr(0, end);
    table.remove_prefix(end);
    std::string_view bare = line;
    if (bare.ends_with('\n')) bare.remove_suffix(1);
    if (!bare.ends_with(Mark(home))) out += line;
  }
  return out;
}

bool HasLine(std::string_view table, const std::string& home) {
  return WithoutLine(table, home).size() != table.size();
}

}  // namespace dml::cli
