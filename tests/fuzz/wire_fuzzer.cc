// Whatever a node or a head may send: frames cut from a stream, and every message in them. What is
// understood is understood again, and in the same way; what is packed unpacks within its bound.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runners/node/compression.h"
#include "runners/node/wire.h"

namespace {

namespace node = dml::node;

template <typename Decode, typename Encode>
void CheckRoundTrip(std::string_view payload, Decode decode, Encode encode) {
  const auto first = decode(payload);
  if (!first.ok()) return;
  const std::string bytes = encode(*first);
  const auto second = decode(bytes);
  if (!second.ok() || encode(*second) != bytes) std::abort();
}

void CheckChunk(std::string_view payload) {
  const auto chunk = node::DecodeChunk(payload);
  if (!chunk.ok()) return;
  std::string again;
  if (chunk->intact) node::AppendChunk(*chunk, again);
  if (chunk->intact && !again.ends_with(payload.substr(payload.size() - chunk->bytes.size()))) {
    std::abort();
  }
  const auto piece = node::Decompress(chunk->bytes, node::kChunkBytesMax);
  if (piece.ok() && piece->size() > node::kChunkBytesMax) std::abort();
}

void CheckMessage(std::string_view payload) {
  const auto encode = [](const auto& message) { return node::Encode(message); };
  CheckRoundTrip(payload, node::DecodeAttach, encode);
  CheckRoundTrip(payload, node::DecodeAttached, encode);
  CheckRoundTrip(payload, node::DecodeAdopt, encode);
  CheckRoundTrip(payload, node::DecodeKeys, node::EncodeKeys);
  CheckRoundTrip(payload, node::DecodeFinished, encode);
  CheckRoundTrip(payload, node::DecodeLost, encode);
  CheckRoundTrip(payload, node::DecodeLog, encode);
  CheckRoundTrip(payload, node::DecodeDigests, node::EncodeDigests);
  CheckRoundTrip(payload, node::DecodeStates, node::EncodeStates);
  CheckRoundTrip(payload, node::DecodeBlobRange, encode);
  CheckRoundTrip(payload, node::DecodeBlobOutcome, encode);
  CheckRoundTrip(payload, node::DecodeLook, encode);
  CheckRoundTrip(payload, node::DecodeLooked, encode);
  CheckChunk(payload);
  // What goes between a head and its agent and between an agent and its workers alike.
  namespace runners = dml::runners;
  CheckRoundTrip(payload, runners::DecodeLaunch, runners::EncodeLaunch);
  CheckRoundTrip(payload, runners::DecodeKill, runners::EncodeKill);
  CheckRoundTrip(payload, runners::DecodeStarted, runners::EncodeStarted);
  CheckRoundTrip(payload, runners::DecodeProgress, runners::EncodeProgress);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  dml::runners::FrameDecoder decoder;
  decoder.Feed(text.substr(0, size / 2));
  decoder.Feed(text.substr(size / 2));
  while (true) {
    const auto frame = decoder.Next();
    if (!frame.ok() || !*frame) break;
    CheckMessage((*frame)->payload);
  }
  return 0;
}
