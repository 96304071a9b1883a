#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/display/output.h"

namespace dml::cli {

// What the schedule daemon says while it works: lines on stderr for people, or with `-o json` one
// document a line on stdout. Borrows the output; thread-safe as far as that is.
class DaemonVoice {
 public:
  explicit DaemonVoice(const Output& output) : output_(output) {}

  // `event` is for programs: "working", "waiting", "schedule" or "stopped".
  void Say(std::string_view event, const std::string& text) const;
  // The same of what has just come about with a slot, with the time; `slot` is null or its
  // document.
  void SayOfSlot(const std::string& text, Json slot = {}) const;
  void Warn(const std::string& text) const;
  // An error that the daemon outlives.
  void Problem(const Error& error) const;

 private:
  [[nodiscard]] bool ForPrograms(std::string_view event, const std::string& text,
                                 Json slot = {}) const;

  const Output& output_;
};

}  // namespace dml::cli
