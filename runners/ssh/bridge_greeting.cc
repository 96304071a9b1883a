#include "runners/ssh/bridge_greeting.h"

#include "runners/node/bridge.h"

namespace dml::ssh {

namespace {

constexpr std::string_view kReadyWords = "ready ";
constexpr std::size_t kAgentReasonMax = 1000;

}  // namespace

std::string Quoted(std::string_view said, std::size_t bytes_max) {
  std::string out;
  if (said.size() > bytes_max) {
    said.remove_prefix(said.size() - bytes_max);
    out = "...";
  }
  for (const char c : said) {
    const bool plain = c == '\n' || c == '\t' || (c >= ' ' && c != 127);
    out += plain ? c : '?';
  }
  return out.substr(0, out.find_last_not_of('\n') + 1);
}

Result<bool> BridgeGreeting::Hear(std::string_view bytes) {
  said_ += bytes;
  // The marker begins with a line break: shells end their lines, and ours begins one.
  const std::size_t marker = said_.find(node::kBridgeMarker);
  if (marker == std::string::npos) return false;
  const std::size_t begin = marker + node::kBridgeMarker.size();
  const std::size_t end = said_.find('\n', begin);
  if (end == std::string::npos) return false;
  const std::string_view line = std::string_view(said_).substr(begin, end - begin);
  if (!line.starts_with(kReadyWords)) {
    return Error::Environment("the agent does not start: " + Quoted(line, kAgentReasonMax));
  }
  if (line.substr(kReadyWords.size()) == sha256_) return true;
  return Error::Environment("the worker program there is not the one of this dml",
                            "run `dml cluster setup`");
}

}  // namespace dml::ssh
