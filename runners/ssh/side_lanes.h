#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "runners/ssh/bridge_link.h"
#include "runners/ssh/node_port.h"
#include "runners/ssh/uploads.h"

namespace dml::ssh {

// More connections to a node, for large blobs that would wait in line on the first. A server takes
// at most 2 MiB of one channel in a round trip, however fast the line is; where a round trip is
// long, several go there side by side. They are made one by one while large blobs wait, each of one
// channel, so that MaxSessions does not matter; closed when nothing is left to do; and one that
// breaks or is refused gives its blobs back, after which there is none for a while. One thread.
class SideLanes {
 public:
  static constexpr std::size_t kLanesMax = 3;
  static constexpr std::int64_t kLargeBytes = 4 << 20;
  static constexpr Duration kRoundTripMin = Duration::Millis(10);
  static constexpr Duration kIdleMax = Duration::Seconds(10);
  static constexpr Duration kFailurePause = Duration::Seconds(60);

  // `wake` is called from any thread when Turn() has something to do.
  SideLanes(Host host, WorkerProgram worker, LinkOptions options, std::function<void()> wake);
  ~SideLanes();

  void AddTo(std::vector<pollfd>& fds) const;
  // What came over them, and what became of them; `first` gets back what one could not carry.
  void Turn(Uploads& first, Instant now);
  // Takes what they can carry from what waits on the first connection, and sends.
  void Share(NodePort& first, Instant now);
  [[nodiscard]] std::vector<Uploads::Done> Take() { return std::exchange(done_, {}); }
  // See Uploads.
  void Abandon(const Digest& digest);
  // All of them, with what they carry.
  void Close();

  [[nodiscard]] std::int64_t bytes_sent() const;
  [[nodiscard]] int damaged() const;

 private:
  struct Lane;
  void Open();
  void Retire(std::size_t lane);

  const Host host_;
  const WorkerProgram worker_;
  const LinkOptions options_;
  const std::function<void()> wake_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<Lane>> retired_;  // until their threads have ended
  std::vector<Uploads::Done> done_;
  Instant none_before_{0};
  std::int64_t bytes_sent_ = 0;  // by those that are no more
  int damaged_ = 0;
};

}  // namespace dml::ssh
