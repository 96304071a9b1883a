#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runners/api/frame.h"
#include "runners/node/blob_cache.h"
#include "runners/node/compression.h"
#include "runners/node/wire.h"

namespace dml::node {

// One connection of a head to the agent: frames in and out, blobs in both directions. Owns its
// descriptor. Bytes to send are produced only as fast as the other end takes them. Single-threaded.
class Session {
 public:
  // Stop producing pieces of blobs and logs beyond this many waiting bytes.
  static constexpr std::size_t kUnsentBytesMax = 1U << 20;

  Session(int fd, BlobCache& blobs, Instant now) : fd_(fd), blobs_(blobs), heard_(now) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] bool wants_to_write() const { return !unsent_.empty() || !gets_.empty(); }
  [[nodiscard]] bool full() const { return unsent_.size() - sent_ >= kUnsentBytesMax; }

  // When bytes last came from the other end.
  [[nodiscard]] Instant heard() const { return heard_; }
  // Gives the connection up.
  void Drop() { broken_ = true; }

  // What has arrived; blob traffic is dealt with here and not returned.
  [[nodiscard]] std::vector<runners::Frame> Receive(Instant now);
  void Send(runners::FrameType type, const std::string& payload);
  // Hands bytes to the system until it takes no more.
  void Flush();

  std::uint64_t serial = 0;  // among the connections of its agent
  std::string client;        // once attached
  // Until then, while the script of its inventory runs; after that, what it said.
  std::optional<Attach> attaching;
  Attach attach;
  bool shared = false;  // it and this node see the same shared_dir
  std::deque<runners::AttemptKey>
      reports;  // finished attempts whose end is to be told (agent's keys)

 private:
  struct Getting {
    BlobRange range;
    int fd = -1;
  };

  bool HandleBlob(const runners::FrameView& frame);
  void HandlePut(const BlobRange& range);
  void HandleChunk(const Chunk& chunk);
  void HandleGet(BlobRange range);
  void EndGetting(const Digest& digest);
  void ProduceChunk();

  int fd_;
  BlobCache& blobs_;
  Instant heard_;
  bool broken_ = false;
  runners::FrameDecoder decoder_;
  std::string piece_;  // of a blob, as it was read
  std::string unsent_;
  std::size_t sent_ = 0;
  LineRate line_;
  Compressor compressor_;
  std::deque<Getting> gets_;
  std::set<Digest> putting_;
  // Of these, a piece came damaged: until the head begins anew there, nothing of them counts.
  std::set<Digest> repeated_;
};

}  // namespace dml::node
