#include "runners/ssh/node_port.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <span>

namespace dml::ssh {

using runners::FrameType;

namespace {

constexpr std::size_t kReceiveBytesMin = 1U << 16;
constexpr int kReceivesPerTurnMax = 8;
constexpr int kSignsOfLife = 4;
// A sign of life that is asked for to measure how long it takes.
constexpr std::string_view kMeasured = "measured";

}  // namespace

NodePort::~NodePort() { Close(); }

void NodePort::Open(int fd, Instant now, Duration silence) {
  Close();
  silence_ = silence;
  fd_ = fd;
  broken_ = ended_ = false;
  line_ = {};
  decoder_ = runners::FrameDecoder();
  round_trip_.reset();
  heard_ = now;
  asked_ = now;
}

void NodePort::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  transfers_ = false;
  unsent_.clear();
  sent_ = 0;
}

void NodePort::Send(FrameType type, const std::string& payload) {
  if (open()) runners::AppendFrame(type, payload, unsent_);
}

std::vector<runners::Frame> NodePort::Receive(Instant now) {
  std::vector<runners::Frame> frames;
  for (int i = 0; i < kReceivesPerTurnMax && open(); ++i) {
    const std::span<char> room = decoder_.Room(kReceiveBytesMin);
    const ssize_t got = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      broken_ = ended_ = true;
      break;
    }
    heard_ = now;
    decoder_.Filled(static_cast<std::size_t>(got));
    while (!broken_) {
      const auto frame = decoder_.NextView();
      if (!frame.ok()) broken_ = true;
      if (broken_ || !*frame) break;
      if (!HandleBlob(**frame)) {
        frames.push_back({(*frame)->type, std::string((*frame)->payload)});
      }
    }
    if (broken_) break;
  }
  return frames;
}

bool NodePort::HandleBlob(const runners::FrameView& frame) {
  bool fine = true;
  if (frame.type == FrameType::kMissing) {
    const auto states = node::DecodeStates(frame.payload);
    fine = states.ok();
    if (fine) uploads.Missing(*states, heard_);
  } else if (frame.type == FrameType::kPutDone) {
    const auto outcome = node::DecodeBlobOutcome(frame.payload);
    fine = outcome.ok();
    if (fine) uploads.Outcome(*outcome, heard_);
  } else if (frame.type == FrameType::kChunk) {
    fine = HandleChunk(frame.payload);
  } else if (frame.type == FrameType::kGet) {
    const auto rest = node::DecodeBlobRange(frame.payload);
    fine = rest.ok();
    if (fine) uploads.Repeat(*rest);
  } else if (frame.type == FrameType::kGetFailed) {
    const auto outcome = node::DecodeBlobOutcome(frame.payload);
    fine = outcome.ok();
    if (fine) downloads.Failed(*outcome);
  } else if (frame.type == FrameType::kPong) {
    if (frame.payload == kMeasured && !round_trip_) round_trip_ = heard_ - resumed_;
  } else {
    return false;
  }
  broken_ |= !fine;
  return true;
}

// False: the connection is of no use any more.
bool NodePort::HandleChunk(std::string_view payload) {
  auto chunk = node::DecodeChunk(payload);
  if (!chunk.ok()) return false;
  std::string unpacked;
  if (chunk->intact && chunk->packed) {
    auto piece = node::Decompress(chunk->bytes, node::kChunkBytesMax);
    if (!piece.ok()) return false;
    unpacked = std::move(piece).value();
    chunk->bytes = unpacked;
  }
  const auto rest = downloads.Arrived(*chunk);
  if (rest.ok() && *rest) Send(FrameType::kGet, node::Encode(**rest));
  return rest.ok();
}

void NodePort::Flush() {
  std::size_t taken = 0;
  bool waits = false;
  while (open() && !broken_) {
    if (sent_ == unsent_.size()) {
      unsent_.clear();
      sent_ = 0;
      // Only then: what is added behind what waits would be moved with it.
      if (transfers_) uploads.Produce(unsent_, kUnsentBytesMax, line_.per_second());
      if (unsent_.empty()) break;
    }
    const ssize_t sent =
        ::send(fd_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    waits = sent < 0 && errno == EAGAIN;
    if (waits) break;
    if (sent < 0) {
      broken_ = ended_ = true;
      return;
    }
    sent_ += static_cast<std::size_t>(sent);
    taken += static_cast<std::size_t>(sent);
    if (sent_ > kUnsentBytesMax) {
      unsent_.erase(0, sent_);
      sent_ = 0;
    }
  }
  line_.Took(taken, waits, SystemClock().Now());
}

void NodePort::Fetch(const Digest& digest, std::int64_t size, const std::string& temporary,
                     const std::string& target) {
  for (const node::BlobRange& range : downloads.Request(digest, size, temporary, target)) {
    if (transfers_) Send(FrameType::kGet, node::Encode(range));
  }
}

void NodePort::CancelFetch(const std::string& target) {
  const std::vector<Digest> unwanted = downloads.Cancel(target);
  if (transfers_ && !unwanted.empty()) Send(FrameType::kUnwanted, node::EncodeDigests(unwanted));
}

void NodePort::ResumeTransfers() {
  transfers_ = true;
  resumed_ = heard_;
  Send(FrameType::kPing, std::string(kMeasured));
  uploads.Restart();
  for (const node::BlobRange& range : downloads.Pending()) {
    Send(FrameType::kGet, node::Encode(range));
  }
}

void NodePort::Heartbeat(Instant now) {
  if (!open()) return;
  uploads.AskAgain(now);
  if (now - heard_ > silence_) {
    broken_ = true;
  } else if (now - asked_ >= Duration{silence_.ns / kSignsOfLife}) {
    asked_ = now;
    Send(FrameType::kPing, "");
  }
}

}  // namespace dml::ssh
