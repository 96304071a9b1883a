#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "runners/api/frame.h"
#include "runners/ssh/bridge_link.h"
#include "runners/ssh/downloads.h"
#include "runners/ssh/uploads.h"

namespace dml::ssh {

inline constexpr std::size_t kUnsentBytesMax = 1U << 20;

// The head's end of one node: frames, blobs in both directions, heartbeats. Single-threaded.
class NodePort {
 public:
  ~NodePort();

  // `silence`: after so long without a word the connection is broken; four signs of life are asked
  // for in that time.
  void Open(int fd, Instant now, Duration silence = kSilenceMax);
  void Close();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  [[nodiscard]] bool wants_to_write() const { return sent_ < unsent_.size(); }

  void Send(runners::FrameType type, const std::string& payload);
  // Frames that are not blob traffic. Sets broken().
  [[nodiscard]] std::vector<runners::Frame> Receive(Instant now);
  void Flush();
  void Fetch(const Digest& digest, std::int64_t size, const std::string& temporary,
             const std::string& target);
  // What is to be at `target` is no longer wanted there.
  void CancelFetch(const std::string& target);
  // After the node has answered on a new connection.
  void ResumeTransfers();
  // How long the node took to answer when nothing else was on the line; nothing before it has.
  [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }
  // Gives a sign of life, which the node needs to hear even while it sends, and asks for one;
  // broken() if there was none for too long.
  void Heartbeat(Instant now);
  [[nodiscard]] bool broken() const { return broken_; }
  // Broken, because the other end closed it.
  [[nodiscard]] bool ended() const { return ended_; }
  // Pieces of blobs that did not arrive as they were, and were sent again.
  [[nodiscard]] int damaged() const { return uploads.damaged() + downloads.damaged(); }

  Uploads uploads;
  Downloads downloads;

 private:
  bool HandleBlob(const runners::FrameView& frame);
  bool HandleChunk(std::string_view payload);

  int fd_ = -1;
  bool broken_ = false;
  bool ended_ = false;
  runners::FrameDecoder decoder_;
  std::string unsent_;
  std::size_t sent_ = 0;
  node::LineRate line_;
  Instant heard_{0};
  Instant asked_{0};
  Instant resumed_{0};
  std::optional<Duration> round_trip_;
  Duration silence_ = kSilenceMax;
  bool transfers_ = false;  // the node has said who it is: blobs may flow
};

}  // namespace dml::ssh
