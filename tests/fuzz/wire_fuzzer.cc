// Whatever a node or a head may send: frames cut from a stream, and every message in them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runners/node/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  dml::runners::FrameDecoder decoder;
  decoder.Feed(text.substr(0, size / 2));
  decoder.Feed(text.substr(size / 2));
  while (true) {
    const auto frame = decoder.Next();
    if (!frame.ok() || !*frame) break;
    const std::string_view payload = (*frame)->payload;
    static_cast<void>(dml::node::DecodeAttach(payload));
    static_cast<void>(dml::node::DecodeAttached(payload));
    static_cast<void>(dml::node::DecodeAdopt(payload));
    static_cast<void>(dml::node::DecodeKeys(payload));
    static_cast<void>(dml::node::DecodeFinished(payload));
    static_cast<void>(dml::node::DecodeLost(payload));
    static_cast<void>(dml::node::DecodeLog(payload));
    static_cast<void>(dml::node::DecodeDigests(payload));
    static_cast<void>(dml::node::DecodeStates(payload));
    static_cast<void>(dml::node::DecodeBlobRange(payload));
    static_cast<void>(dml::node::DecodeBlobOutcome(payload));
    static_cast<void>(dml::node::DecodeChunk(payload));
    static_cast<void>(dml::runners::DecodeLaunch(payload));
    static_cast<void>(dml::runners::DecodeKill(payload));
    static_cast<void>(dml::runners::DecodeStarted(payload));
    static_cast<void>(dml::runners::DecodeProgress(payload));
  }
  return 0;
}
