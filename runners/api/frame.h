#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
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
  kRecall = 7,    // head to worker: give this attempt back if you have not begun with it
  kReturned = 8,  // worker to head: here it is; without this answer it runs or has ended

  // Between a head and the resident agent of a node; see runners/node/wire.h.
  kAttach = 16,     // head: who it is; the agent answers with kAttached
  kAttached = 17,   // agent: what the node is and which attempts of this head it knows
  kAdopt = 18,      // head: reports of these attempts come here from now on
  kRelease = 19,    // head: the outcome of these attempts is durable; forget them
  kFinished = 20,   // agent: kExited with a manifest of the outputs
  kLost = 21,       // agent: the attempt is gone, or could not begin
  kLog = 22,        // agent: what the attempt wrote, from an offset on
  kHave = 23,       // head: which of these blobs are missing?
  kMissing = 24,    // agent: these
  kPut = 25,        // head: a blob follows
  kChunk = 26,      // either: a piece of a blob
  kPutDone = 27,    // agent: the blob is stored, or why not
  kGet = 28,        // head: send this blob; agent: send the rest of it once more
  kGetFailed = 29,  // agent: why it cannot
  kPing = 30,       // head
  kPong = 31,       // agent: the same payload
  kStop = 32,       // head: end every attempt of this head, and the agent if nobody else uses it
  kAbandon = 33,    // head: of these blobs it sends no more; what came of them is of no use
  kDrain = 34,      // agent: the node takes no new tasks, and why; or does again
  kLook = 35,       // head: what is there at this path or glob, outside of any store?
  kLooked = 36,     // agent: these files, or why none
  kUnwanted = 37,   // head: of these blobs it wants no further piece
};

inline constexpr std::uint32_t kProtocolVersion = 3;
[[nodiscard]] bool IsKnown(std::uint8_t type);
// Larger frames are an error of the sender: a spec names files, it does not hold them.
inline constexpr std::size_t kFramePayloadMax = 64U << 20;

struct Frame {
  FrameType type = FrameType::kHello;
  std::string payload;
};

// The same in the decoder that it was cut from, until that gets more bytes.
struct FrameView {
  FrameType type = FrameType::kHello;
  std::string_view payload;
};

// Appends a frame to `out`: little-endian payload size (4 bytes), type (1 byte), payload.
void AppendFrame(FrameType type, std::string_view payload, std::string& out);
// The same of a payload in two parts.
void AppendFrame(FrameType type, std::string_view head, std::string_view body, std::string& out);

// Cuts a byte stream into frames. Feed bytes as they come; take frames until there is none. A size
// above the limit or an unknown type is kEnvironment, for good: the stream cannot be trusted again.
class FrameDecoder {
 public:
  void Feed(std::string_view bytes);
  // To feed without a copy: room for more bytes, for `least` of them or some times as many, and how
  // many of them came.
  [[nodiscard]] std::span<char> Room(std::size_t least);
  void Filled(std::size_t bytes) { filled_ += bytes; }
  // The next whole frame, nothing if more bytes are needed.
  Result<std::optional<Frame>> Next();
  Result<std::optional<FrameView>> NextView();

 private:
  void MakeRoom(std::size_t bytes, std::size_t grow_to);

  std::string buffer_;  // these are waiting: [consumed_, filled_)
  std::size_t consumed_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace dml::runners
