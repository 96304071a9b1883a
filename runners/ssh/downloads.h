#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "runners/node/wire.h"

namespace dml::ssh {

// Blobs on their way from one node to files of this machine. Each is written beside its target,
// verified against its digest, and then given its name; a broken transfer goes on where it stopped.
// Single-threaded.
class Downloads {
 public:
  ~Downloads();

  // A file at `target`, by way of `temporary`. What to ask the node for; nothing if it is already
  // on its way or empty (then Take() has it at once).
  std::vector<node::BlobRange> Request(const Digest& digest, std::int64_t size,
                                       const std::string& temporary, const std::string& target);
  void Arrived(const node::Chunk& chunk);
  void Failed(const node::BlobOutcome& outcome);
  // After a reconnection: what to ask for again.
  [[nodiscard]] std::vector<node::BlobRange> Pending() const;

  struct Done {
    std::string target;
    Result<void> result;
  };
  [[nodiscard]] std::int64_t bytes_received() const { return bytes_received_; }
  [[nodiscard]] std::vector<Done> Take() { return std::exchange(done_, {}); }
  void Cancel(const std::string& target);

 private:
  struct Coming {
    std::string temporary;
    std::vector<std::string> targets;
    std::int64_t size = 0;
    std::int64_t offset = 0;
    int fd = -1;
    Sha256 hash;
  };
  void Finish(const Digest& digest, Result<void> result);

  std::map<Digest, Coming> coming_;
  std::int64_t bytes_received_ = 0;
  std::vector<Done> done_;
};

}  // namespace dml::ssh
