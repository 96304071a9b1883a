// Any bytes on a worker's connection: either they are whole messages that survive being written
// again, or an error; never a crash.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runners/api/frame.h"
#include "runners/api/messages.h"

namespace {

using dml::runners::Frame;
using dml::runners::FrameDecoder;

// What was understood is understood again, and in the same way.
template <typename Decode, typename Encode>
void CheckRoundTrip(std::string_view payload, Decode decode, Encode encode) {
  const auto first = decode(payload);
  if (!first.ok()) return;
  const std::string text = encode(*first);
  const auto second = decode(text);
  if (!second.ok() || encode(*second) != text) std::abort();
}

void CheckMessage(std::string_view payload) {
  namespace runners = dml::runners;
  CheckRoundTrip(payload, runners::DecodeLaunch, runners::EncodeLaunch);
  CheckRoundTrip(payload, runners::DecodeKill, runners::EncodeKill);
  CheckRoundTrip(payload, runners::DecodeKey, runners::EncodeKey);
  CheckRoundTrip(payload, runners::DecodeStarted, runners::EncodeStarted);
  CheckRoundTrip(payload, runners::DecodeProgress, runners::EncodeProgress);
  CheckRoundTrip(payload, runners::DecodeExited, runners::EncodeExited);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The first byte says into how large pieces the stream is cut.
  const std::size_t piece = std::size_t{*data} + 1;
  bytes.remove_prefix(1);
  CheckMessage(bytes);
  FrameDecoder decoder;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    decoder.Feed(bytes.substr(0, piece));
    while (true) {
      auto frame = decoder.Next();
      if (!frame.ok()) return 0;
      if (!*frame) break;
      CheckMessage((*frame)->payload);
    }
  }
  return 0;
}
