#include "orchestrator/state/run_files.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace dml::state {

namespace {

// Leaves room for ".<attempt>.log" within the 255 bytes of a component.
constexpr std::size_t kNameBytesMax = 160;

bool IsPlain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') ||
         std::string_view("._@=,+-[]").find(c) != std::string_view::npos;
}

}  // namespace

std::string FileNameOf(std::string_view task) {
  std::string name;
  for (const char c : task) {
    if (IsPlain(c) && !(name.empty() && c == '.')) {
      name += c;
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  if (name.size() <= kNameBytesMax) return name;
  return name.substr(0, kNameBytesMax - 13) + "~" + Sha256::Of(task).Short();
}

std::string RunPath(const std::string& home, RunId run) {
  return fmt::format("{}/runs/r{}", home, run.value);
}

std::string AttemptPath(const std::string& home, RunId run, std::string_view task,
                        AttemptNumber attempt) {
  return fmt::format("{}/runs/r{}/{}/{}", home, run.value, FileNameOf(task), attempt.value);
}

std::string LogPath(const std::string& home, RunId run, std::string_view task,
                    AttemptNumber attempt) {
  return fmt::format("{}/runs/r{}/logs/{}.{}.log", home, run.value, FileNameOf(task),
                     attempt.value);
}

}  // namespace dml::state
