#include "cli/schedule/daemon_voice.h"

#include <utility>

#include "base/clock.h"
#include "base/quantity.h"

namespace dml::cli {

bool DaemonVoice::ForPrograms(std::string_view event, const std::string& text, Json slot) const {
  if (output_.format() != Format::kJson) return false;
  Json line{{"time", FormatUtc(SystemClock().Wall())}, {"event", event}, {"message", text}};
  if (event == "slot") line["slot"] = std::move(slot);
  output_.PrintJsonLine(line);
  return true;
}

void DaemonVoice::Say(std::string_view event, const std::string& text) const {
  if (!ForPrograms(event, text)) output_.Note(text);
}

void DaemonVoice::SayOfSlot(const std::string& text, Json slot) const {
  if (ForPrograms("slot", text, std::move(slot))) return;
  output_.Note(FormatUtc(SystemClock().Wall()).substr(0, 19) + "Z " + Harmless(text));
}

void DaemonVoice::Warn(const std::string& text) const {
  if (!ForPrograms("warning", text)) output_.Warn(text);
}

void DaemonVoice::Problem(const Error& error) const {
  if (!ForPrograms("error", error.message)) output_.Problem(error);
}

}  // namespace dml::cli
