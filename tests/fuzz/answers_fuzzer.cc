// What comes out of a channel to a node before anything else: the first words of a bridge and the
// answer of a probe. Any bytes, cut anyhow; and behind any noise, the right words are found.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runners/node/bridge.h"
#include "runners/ssh/bridge_greeting.h"
#include "runners/ssh/node_probe.h"

namespace {

namespace ssh = dml::ssh;

const std::string kSha(64, 'a');

void Require(bool right) {
  if (!right) std::abort();
}

// Ready, not yet, or why not.
std::string HearIn(std::string_view said, std::size_t piece) {
  ssh::BridgeGreeting greeting(kSha);
  for (; !said.empty(); said.remove_prefix(std::min(piece, said.size()))) {
    const auto heard = greeting.Hear(said.substr(0, piece));
    if (!heard.ok()) return heard.error().message;
    if (*heard) return "ready";
  }
  return "";
}

void CheckGreeting(std::string_view said, std::size_t piece) {
  Require(HearIn(said, piece) == HearIn(said, said.size()));
  const std::string marker(dml::node::kBridgeMarker);
  const std::string more = std::string(said) + marker + "ready " + kSha + "\n";
  if (more.find(marker) == said.size()) Require(HearIn(more, piece) == "ready");
  const std::string quoted = ssh::Quoted(said);
  Require(quoted.size() <= ssh::kQuotedNoiseMax + 3);
  Require(std::ranges::none_of(
      quoted, [](char c) { return c == 127 || (c < ' ' && c != '\n' && c != '\t'); }));
}

// As the program uses it: each by its kind.
void UseProbe(const dml::Json& probe) {
  for (const char* name : {"sha256", "host", "arch", "kernel", "boot"}) {
    static_cast<void>(probe.value(name, ""));
  }
  for (const char* name : {"memory", "disk_free", "wall_us"}) {
    Require(probe.value(name, std::int64_t{0}) >= 0);
  }
  Require(probe.value("cpus", 0.0) >= 0);
  const dml::Json node = probe.value("node", dml::Json::object());
  for (const char* name : {"agent", "running", "finished", "blobs"}) {
    Require(node.value(name, std::int64_t{0}) >= 0);
  }
  static_cast<void>(node.value("drained", ""));
  static_cast<void>(probe.dump());
}

void CheckProbe(std::string_view said) {
  const std::string marker = "\n<<dml-probe>> ";
  for (const std::string& text : {std::string(said), marker + std::string(said)}) {
    const auto probe = ssh::ParseProbe(text);
    if (probe.ok()) UseProbe(*probe);
  }
  const auto probe = ssh::ParseProbe(std::string(said) + marker + R"({"boot":"b"})" + "\nbye\n");
  Require(probe.ok() && probe->value("boot", "") == "b");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says into how large pieces it is cut.
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckGreeting(said, std::size_t{*data} + 1);
  CheckProbe(said);
  return 0;
}
