#include "runners/ssh/uploads.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace dml::ssh {

using runners::FrameType;

Uploads::~Uploads() {
  for (const Sending& sending : queue_) {
    if (sending.fd >= 0) ::close(sending.fd);
  }
}

void Uploads::Want(const Digest& digest, const std::string& path) {
  if (there_.contains(digest)) return;
  abandoned_.erase(digest);
  if (paths_.emplace(digest, path).second) wanted_.push_back(digest);
}

void Uploads::Abandon(const Digest& digest) {
  if (paths_.erase(digest) == 0) return;
  std::erase(wanted_, digest);
  std::erase_if(busy_, [&](const auto& entry) { return entry.second == digest; });
  StopSending(digest);
  damages_.erase(digest);
  abandoned_.insert(digest);
}

void Uploads::StopSending(const Digest& digest) {
  std::erase_if(queue_, [&](const Sending& sending) {
    if (sending.digest == digest && sending.fd >= 0) ::close(sending.fd);
    return sending.digest == digest;
  });
}

void Uploads::Missing(const std::vector<node::BlobState>& states, Instant now) {
  if (asked_.empty()) return;
  std::map<Digest, std::int64_t> missing;
  for (const node::BlobState& state : states) missing.emplace(state.digest, state.bytes);
  const std::vector<Digest> asked = std::move(asked_.front());
  asked_.pop_front();
  for (const Digest& digest : asked) {
    if (!paths_.contains(digest)) continue;  // abandoned
    const auto found = missing.find(digest);
    if (found == missing.end()) {
      Finish(digest, {});
    } else if (found->second < 0) {
      busy_.emplace_back(now + kBusyPause, digest);
    } else {
      struct stat info {};
      const bool there = ::stat(paths_.at(digest).c_str(), &info) == 0;
      queue_.push_back({digest, found->second, there ? info.st_size : 0, -1});
    }
  }
}

// Its place in the queue, or the end: the last, for the first are about to be sent.
std::size_t Uploads::FindToGive(std::int64_t bytes_min) const {
  for (std::size_t i = queue_.size(); i-- > 1;) {
    if (queue_[i].fd < 0 && queue_[i].size - queue_[i].offset >= bytes_min) return i;
  }
  return queue_.size();
}

bool Uploads::CanGive(std::int64_t bytes_min) const {
  return FindToGive(bytes_min) < queue_.size();
}

std::optional<Uploads::Given> Uploads::Give(std::int64_t bytes_min) {
  const std::size_t i = FindToGive(bytes_min);
  if (i == queue_.size()) return std::nullopt;
  const Digest digest = queue_[i].digest;
  queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
  damages_.erase(digest);
  return Given{digest, std::move(paths_.extract(digest).mapped())};
}

void Uploads::Outcome(const node::BlobOutcome& outcome, Instant now) {
  if (!paths_.contains(outcome.digest)) return;
  StopSending(outcome.digest);  // if it was refused meanwhile
  if (!outcome.ok() && outcome.error.kind == ErrorKind::kBusy) {
    busy_.emplace_back(now + kBusyPause, outcome.digest);
    return;
  }
  Finish(outcome.digest, outcome.ok() ? Result<void>() : Result<void>(outcome.error));
}

void Uploads::Repeat(const node::BlobRange& rest) {
  if (!paths_.contains(rest.digest)) return;  // abandoned
  StopSending(rest.digest);
  ++damaged_;
  Damage& damage = damages_[rest.digest];
  if (rest.offset > damage.offset) damage = {rest.offset, 0};
  if (++damage.times <= node::kDamagedMax) {
    queue_.push_front({rest.digest, rest.offset, 0, -1});
    return;
  }
  abandoned_.insert(rest.digest);
  Finish(rest.digest, Error::Environment("an input arrives damaged again and again",
                                         "check the memory of this machine and of the node"));
}

void Uploads::AskAgain(Instant now) {
  std::erase_if(busy_, [&](const auto& entry) {
    if (entry.first > now) return false;
    wanted_.push_back(entry.second);
    return true;
  });
}

void Uploads::Restart() {
  for (const Sending& sending : queue_) {
    if (sending.fd >= 0) ::close(sending.fd);
  }
  queue_.clear();
  asked_.clear();
  wanted_.clear();
  busy_.clear();
  there_.clear();
  for (const auto& [digest, path] : paths_) wanted_.push_back(digest);
}

bool Uploads::Open(Sending& sending) {
  const std::string path = paths_.at(sending.digest);
  sending.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (sending.fd < 0 || ::fstat(sending.fd, &info) != 0) {
    Finish(sending.digest, Error::System("cannot read '" + path + "'", errno));
    return false;
  }
  sending.size = info.st_size;
  sending.offset = std::min(sending.offset, sending.size > 0 ? sending.size - 1 : 0);
  return true;
}

void Uploads::Produce(std::string& out, std::size_t bytes_max, std::optional<double> line) {
  if (!abandoned_.empty()) {
    std::vector<Digest> all(abandoned_.begin(), abandoned_.end());
    abandoned_.clear();
    for (std::size_t at = 0; at < all.size(); at += node::kDigestsPerFrameMax) {
      const std::size_t end = std::min(all.size(), at + node::kDigestsPerFrameMax);
      const std::vector<Digest> batch(all.begin() + static_cast<long>(at),
                                      all.begin() + static_cast<long>(end));
      runners::AppendFrame(FrameType::kAbandon, node::EncodeDigests(batch), out);
    }
  }
  while (!wanted_.empty() && out.size() < bytes_max) {
    const std::size_t count = std::min(wanted_.size(), node::kDigestsPerFrameMax);
    std::vector<Digest> batch(wanted_.begin(), wanted_.begin() + static_cast<long>(count));
    wanted_.erase(wanted_.begin(), wanted_.begin() + static_cast<long>(count));
    runners::AppendFrame(FrameType::kHave, node::EncodeDigests(batch), out);
    asked_.push_back(std::move(batch));
  }
  while (!queue_.empty() && out.size() < bytes_max) {
    Sending& front = queue_.front();
    if (front.fd < 0) {
      if (!Open(front)) {
        queue_.pop_front();
        continue;
      }
      const node::BlobRange range{front.digest, front.size, front.offset};
      runners::AppendFrame(FrameType::kPut, node::Encode(range), out);
    }
    // Kept: clearing it each time would cost as much as reading.
    if (piece_.empty()) piece_.resize(node::kChunkBytesMax);
    const auto left = static_cast<std::size_t>(front.size - front.offset);
    const ssize_t got =
        left == 0 ? 0
                  : ::pread(front.fd, piece_.data(), std::min(piece_.size(), left), front.offset);
    if (got > 0) {
      const auto bytes = std::string_view(piece_).substr(0, static_cast<std::size_t>(got));
      const auto packed = compressor_.Pack(bytes, line);
      node::AppendChunk({front.digest, front.offset, packed.has_value(), packed ? *packed : bytes},
                        out);
      front.offset += got;
      bytes_sent_ += got;
      if (front.offset < front.size) continue;
    }
    // Sent, or shorter than it was: then its digest will not match, and the node says so.
    ::close(front.fd);
    const Digest digest = front.digest;
    const bool cut = front.offset < front.size;
    queue_.pop_front();
    if (cut) Finish(digest, Error::Environment("an input file changed while it was sent"));
  }
}

void Uploads::Finish(const Digest& digest, Result<void> result) {
  paths_.erase(digest);
  damages_.erase(digest);
  if (result.ok()) there_.insert(digest);
  done_.push_back({digest, std::move(result)});
}

}  // namespace dml::ssh
