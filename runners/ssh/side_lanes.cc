#include "runners/ssh/side_lanes.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace dml::ssh {

struct SideLanes::Lane {
  ~Lane() {
    link.reset();
    for (const LinkEvent& event : events) {
      if (const auto* up = std::get_if<LinkUp>(&event)) ::close(up->fd);
    }
  }

  std::mutex mutex;
  std::vector<LinkEvent> events;  // guarded by mutex: from the thread of the link
  NodePort port;
  std::map<Digest, std::string> given;  // that it has not carried yet
  Instant used{0};
  std::unique_ptr<BridgeLink> link;
};

SideLanes::SideLanes(Host host, WorkerProgram worker, LinkOptions options,
                     std::function<void()> wake)
    : host_(std::move(host)),
      worker_(std::move(worker)),
      options_(options),
      wake_(std::move(wake)) {}

SideLanes::~SideLanes() { Close(); }

void SideLanes::AddTo(std::vector<pollfd>& fds) const {
  for (const auto& lane : lanes_) {
    const short events = lane->port.wants_to_write() ? POLLIN | POLLOUT : POLLIN;
    if (lane->port.open()) fds.push_back({lane->port.fd(), events, 0});
  }
}

void SideLanes::Open() {
  auto lane = std::make_unique<Lane>();
  Lane* raw = lane.get();
  lane->link = std::make_unique<BridgeLink>(host_, worker_, options_, [this, raw](LinkEvent event) {
    {
      const std::lock_guard lock(raw->mutex);
      raw->events.push_back(std::move(event));
    }
    wake_();
  });
  lanes_.push_back(std::move(lane));
}

// Its thread may be waiting for a server: nobody waits for the thread.
void SideLanes::Retire(std::size_t i) {
  std::unique_ptr<Lane> lane = std::move(lanes_[i]);
  lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(i));
  bytes_sent_ += lane->port.uploads.bytes_sent();
  damaged_ += lane->port.damaged();
  lane->link->Stop();
  lane->port.Close();
  retired_.push_back(std::move(lane));
}

void SideLanes::Close() {
  while (!lanes_.empty()) Retire(lanes_.size() - 1);
}

void SideLanes::Turn(Uploads& first, Instant now) {
  std::erase_if(retired_, [](const auto& lane) { return lane->link->over(); });
  for (std::size_t i = lanes_.size(); i-- > 0;) {
    Lane& lane = *lanes_[i];
    std::vector<LinkEvent> events;
    {
      const std::lock_guard lock(lane.mutex);
      events.swap(lane.events);
    }
    bool failed = false;
    for (const LinkEvent& event : events) {
      if (const auto* up = std::get_if<LinkUp>(&event)) {
        lane.port.Open(up->fd, now, options_.silence);
        lane.port.ResumeTransfers();
        lane.used = now;
      } else {
        failed = true;
      }
    }
    if (lane.port.open()) static_cast<void>(lane.port.Receive(now));  // nothing else is said there
    for (Uploads::Done& done : lane.port.uploads.Take()) {
      if (lane.given.erase(done.digest) != 0) done_.push_back(std::move(done));
    }
    if (!lane.given.empty()) lane.used = now;
    failed |= lane.port.open() && lane.port.broken();
    const bool idle = lane.port.open() && now - lane.used > kIdleMax;
    if (failed) {
      none_before_ = now + kFailurePause;
      for (const auto& [digest, path] : lane.given) first.Want(digest, path);
    }
    if (failed || idle) Retire(i);
  }
}

void SideLanes::Share(NodePort& first, Instant now) {
  bool connecting = false;
  for (const auto& lane : lanes_) {
    connecting |= !lane->port.open();
    if (!lane->port.open()) continue;
    if (lane->port.uploads.idle()) {
      if (auto blob = first.uploads.Give(kLargeBytes)) {
        lane->given.emplace(blob->digest, blob->path);
        lane->port.uploads.Want(blob->digest, blob->path);
      }
    }
    lane->port.Heartbeat(now);
    lane->port.Flush();
  }
  const bool far = first.round_trip() && *first.round_trip() >= kRoundTripMin;
  if (!far || connecting || lanes_.size() >= kLanesMax || now < none_before_) return;
  if (first.uploads.CanGive(kLargeBytes)) Open();
}

void SideLanes::Abandon(const Digest& digest) {
  for (const auto& lane : lanes_) {
    if (lane->given.erase(digest) != 0) lane->port.uploads.Abandon(digest);
  }
}

std::int64_t SideLanes::bytes_sent() const {
  std::int64_t sum = bytes_sent_;
  for (const auto& lane : lanes_) sum += lane->port.uploads.bytes_sent();
  return sum;
}

int SideLanes::damaged() const {
  int sum = damaged_;
  for (const auto& lane : lanes_) sum += lane->port.damaged();
  return sum;
}

}  // namespace dml::ssh
