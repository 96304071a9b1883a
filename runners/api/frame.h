#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dml::runners {

// What a frame carries. The numbers are on the wire: never renumber.
enum class FrameType : std::uint8_t {
  kHello = 1,     // first in each direction; the payload is the protocol version
  kLaunch = 2,    // head to worker: a LaunchSpec
  kKill = 3,      // head to worker: an attempt key and a mode
  kStarted = 4,   // worker to head
  kProgress = 5,  // worker to head
  kExited = 6,    // worker to head
};

inline constexpr std::uint32_t kProtocolVersion = 1;
// Larger frames are an error of the sender: a spec names files, it does not hold them.
inline constexpr std::size_t kFramePayloadMax = 64U << 20;

struct Frame {
  FrameType type = FrameType::kHello;
  std::string payload;
};

// Appends a frame to `out`: little-endian payload size (4 bytes), type (1 byte), payload.
void AppendFrame(FrameType type, std::string_view payload, std::string& out);

// Cuts a byte stream into frames. Feed bytes as they come; take frames until there is none. A size
// above the limit or an unknown type is kEnvironment, for good: the stream cannot be trusted again.
class FrameDecoder {
 public:
  void Feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole frame, nothing if more bytes are needed.
  Result<std::optional<Frame>> Next();

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
};

}  // namespace dml::runners
