#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dml::cli {

// What keeps a daemon running: a unit of the user's systemd or a line of the user's crontab. Pure
// texts; cmd_schedule_install.cc writes them.
struct ServicePlace {
  std::string program;  // absolute path of dml
  std::string home;     // absolute path of .dml
  std::string path;     // PATH, for the commands of steps
};

// "dml-schedule-1a2b3c4d.service": another home has another name.
[[nodiscard]] std::string UnitName(const std::string& home);
// `folders`: those that are made for it, which go with it.
[[nodiscard]] std::string UnitText(const ServicePlace& place,
                                   const std::vector<std::string>& folders);
// The folders that a unit says were made for it.
[[nodiscard]] std::vector<std::string> FoldersMadeFor(std::string_view text);
// Whether install has written this file.
[[nodiscard]] bool IsOurUnit(std::string_view text);

// One line, with its line break: it looks every minute whether a daemon is at work.
[[nodiscard]] std::string CrontabLine(const ServicePlace& place);
// The table without the line of this home, whichever program and PATH it names. Every other byte
// stays.
[[nodiscard]] std::string WithoutLine(std::string_view table, const std::string& home);
[[nodiscard]] bool HasLine(std::string_view table, const std::string& home);

}  // namespace dml::cli
