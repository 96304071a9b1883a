// What commands on a node say: any bytes where the words of a verb are expected, of a script that
// looks at a workdir, of the kernel. However it is cut, what is a verb's is told from what shells
// printed before it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runners/node/bridge.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/verb_words.h"
#include "runners/ssh/workdir.h"

namespace {

namespace ssh = dml::ssh;

void Require(bool right) {
  if (!right) std::abort();
}

struct Heard {
  std::string words;
  std::string noise;
  bool begun = false;
};

Heard HearIn(std::string_view said, std::size_t piece) {
  ssh::VerbWords verb;
  Heard heard;
  for (; !said.empty(); said.remove_prefix(std::min(piece, said.size()))) {
    heard.words += verb.Hear(said.substr(0, piece));
  }
  heard.noise = verb.noise();
  heard.begun = verb.begun();
  return heard;
}

void CheckWords(std::string_view said, std::size_t piece) {
  const std::string marker(dml::node::kVerbMarker);
  const Heard heard = HearIn(said, piece);
  const Heard whole = HearIn(said, said.size() + 1);
  Require(heard.words == whole.words && heard.noise == whole.noise && heard.begun == whole.begun);
  Require(heard.noise + (heard.begun ? marker : "") + heard.words == said);
  if (heard.begun) return;
  // Whatever shells said, and whatever a command says: even the marker once more.
  const std::string words = "said\n" + marker + std::string(said);
  const Heard behind = HearIn(std::string(said) + marker + words, piece);
  Require(behind.begun && behind.words == words && behind.noise == said);
  ssh::RemoteOutput output;
  output.out = std::string(said) + marker + words;
  output.err = said;
  const std::string out = output.out;
  Require(!ssh::SkipNoise(output) && output.out == out && output.err == said);
  output.err += marker;
  Require(ssh::SkipNoise(output) && output.out == words && output.err.empty());
}

void CheckWorkdir(std::string_view said) {
  const std::string text(said);
  Require(ssh::WorkdirAnswer(text).find('\n') == std::string::npos);
  Require(ssh::WorkdirAnswer(text + "\n<<dml-workdir>> yes\nbye\n") == "yes");
  static_cast<void>(ssh::IsNoexec(text, "/home/somebody/.dml-node/bin"));
  // The last that is said of a place counts.
  const std::string folder = "/home/somebody/.dml-node";
  Require(
      ssh::IsNoexec(text + "\n1 2 0:3 / " + folder + "/bin rw,noexec - t t rw\n", folder + "/bin"));
  Require(!ssh::IsNoexec(text + "\n1 2 0:3 / " + folder + "/bin rw,relatime - t t rw,noexec\n",
                         folder + "/bin"));
}

void CheckKernel(std::string_view said) {
  const auto old = ssh::JudgeKernel(std::string(said));
  Require(!old || !old->message.empty());
  Require(!ssh::JudgeKernel("6.1." + std::string(said)));
  Require(ssh::JudgeKernel("4.19." + std::string(said)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says into how large pieces it is cut.
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckWords(said, std::size_t{*data} + 1);
  CheckWorkdir(said);
  CheckKernel(said);
  return 0;
}
