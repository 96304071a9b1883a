#include "runners/node/session.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

namespace dml::node {

namespace {

using runners::FrameType;

constexpr std::size_t kReceiveBytesMin = 1U << 16;
// A head that sends faster than the agent handles waits in the socket, not in memory.
constexpr int kReceivesPerTurnMax = 8;

}  // namespace

Session::~Session() {
  for (const Digest& digest : putting_) blobs_.Suspend(digest);
  for (const Getting& getting : gets_) ::close(getting.fd);
  ::close(fd_);
}

std::vector<runners::Frame> Session::Receive(Instant now) {
  std::vector<runners::Frame> frames;
  for (int i = 0; i < kReceivesPerTurnMax; ++i) {
    const std::span<char> room = decoder_.Room(kReceiveBytesMin);
    const ssize_t got = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      broken_ = true;
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
    if (broken_ || static_cast<std::size_t>(got) < room.size()) break;
  }
  return frames;
}

void Session::Send(FrameType type, const std::string& payload) {
  runners::AppendFrame(type, payload, unsent_);
}

void Session::Flush() {
  std::size_t taken = 0;
  bool waits = false;
  while (!broken_) {
    if (sent_ == unsent_.size()) {
      unsent_.clear();
      sent_ = 0;
      // Only then: what is added behind what waits would be moved with it.
      while (!full() && !gets_.empty()) ProduceChunk();
      if (unsent_.empty()) break;
    }
    const ssize_t sent =
        ::send(fd_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    waits = sent < 0 && errno == EAGAIN;
    if (waits) break;
    if (sent < 0) broken_ = true;
    if (sent > 0) sent_ += static_cast<std::size_t>(sent);
    if (sent > 0) taken += static_cast<std::size_t>(sent);
    if (sent_ > kUnsentBytesMax) {
      unsent_.erase(0, sent_);
      sent_ = 0;
    }
  }
  line_.Took(taken, waits, SystemClock().Now());
}

bool Session::HandleBlob(const runners::FrameView& frame) {
  const auto fail = [this] { broken_ = true; };
  if (frame.type == FrameType::kHave) {
    auto digests = DecodeDigests(frame.payload);
    if (!digests.ok()) return fail(), true;
    std::vector<BlobState> missing;
    for (const Digest& digest : *digests) {
      if (!blobs_.Holds(digest)) missing.push_back({digest, blobs_.PartialBytes(digest)});
    }
    Send(FrameType::kMissing, EncodeStates(missing));
  } else if (frame.type == FrameType::kPut) {
    auto range = DecodeBlobRange(frame.payload);
    if (!range.ok()) return fail(), true;
    HandlePut(*range);
  } else if (frame.type == FrameType::kChunk) {
    auto chunk = DecodeChunk(frame.payload);
    if (!chunk.ok()) return fail(), true;
    HandleChunk(*chunk);
  } else if (frame.type == FrameType::kGet) {
    auto range = DecodeBlobRange(frame.payload);
    if (!range.ok()) return fail(), true;
    HandleGet(*range);
  } else if (frame.type == FrameType::kAbandon) {
    auto digests = DecodeDigests(frame.payload);
    if (!digests.ok()) return fail(), true;
    for (const Digest& digest : *digests) {
      repeated_.erase(digest);
      if (putting_.erase(digest) != 0) blobs_.Suspend(digest);
      blobs_.Discard(digest);
    }
  } else if (frame.type == FrameType::kUnwanted) {
    auto digests = DecodeDigests(frame.payload);
    if (!digests.ok()) return fail(), true;
    for (const Digest& digest : *digests) EndGetting(digest);
  } else if (frame.type == FrameType::kPing) {
    Send(FrameType::kPong, std::string(frame.payload));
  } else {
    return false;
  }
  return true;
}

void Session::HandlePut(const BlobRange& range) {
  if (repeated_.erase(range.digest) != 0) return;
  auto begun = blobs_.Begin(range);
  if (begun.ok() && range.size > 0) {
    putting_.insert(range.digest);
    return;
  }
  Send(FrameType::kPutDone,
       Encode(BlobOutcome{range.digest, begun.ok() ? Error{} : begun.error()}));
}

void Session::HandleChunk(const Chunk& chunk) {
  if (repeated_.contains(chunk.digest)) return;
  if (!putting_.contains(chunk.digest)) {
    // Of one that was refused; or, if it is damaged, of nobody knows which.
    if (!chunk.intact) Drop();
    return;
  }
  if (!chunk.intact) {
    repeated_.insert(chunk.digest);
    return Send(FrameType::kGet, Encode(blobs_.Rest(chunk.digest).value()));
  }
  std::string unpacked;
  if (chunk.packed) {
    auto piece = Decompress(chunk.bytes, kChunkBytesMax);
    if (!piece.ok()) return Drop();
    unpacked = std::move(piece).value();
  }
  auto written = blobs_.Write(chunk.digest, chunk.offset, chunk.packed ? unpacked : chunk.bytes);
  if (written.ok() && !*written) return;
  putting_.erase(chunk.digest);
  Send(FrameType::kPutDone,
       Encode(BlobOutcome{chunk.digest, written.ok() ? Error{} : written.error()}));
}

void Session::HandleGet(BlobRange range) {
  const std::string path = blobs_.PathOf(range.digest);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0 || info.st_size != range.size) {
    if (fd >= 0) ::close(fd);
    const Error error = Error::Environment("the node no longer has an output");
    return Send(FrameType::kGetFailed, Encode(BlobOutcome{range.digest, error}));
  }
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  EndGetting(range.digest);  // asked for once more: what is under way is of no use
  gets_.push_back({range, fd});
}

void Session::EndGetting(const Digest& digest) {
  std::erase_if(gets_, [&](const Getting& getting) {
    if (getting.range.digest == digest) ::close(getting.fd);
    return getting.range.digest == digest;
  });
}

void Session::ProduceChunk() {
  Getting& getting = gets_.front();
  // Kept: clearing it each time would cost as much as reading.
  if (piece_.empty()) piece_.resize(kChunkBytesMax);
  const ssize_t got = ::pread(getting.fd, piece_.data(), piece_.size(), getting.range.offset);
  if (got > 0) {
    const auto bytes = std::string_view(piece_).substr(0, static_cast<std::size_t>(got));
    const auto packed = compressor_.Pack(bytes, line_.per_second());
    AppendChunk(
        {getting.range.digest, getting.range.offset, packed.has_value(), packed ? *packed : bytes},
        unsent_);
    getting.range.offset += got;
  } else {
    const Error error = Error::Environment("the node cannot read an output");
    Send(FrameType::kGetFailed, Encode(BlobOutcome{getting.range.digest, error}));
  }
  if (got <= 0 || getting.range.offset == getting.range.size) {
    ::close(getting.fd);
    gets_.pop_front();
  }
}

}  // namespace dml::node
