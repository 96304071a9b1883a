#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "runners/node/wire.h"
#include "runners/ssh/fetched_file.h"

namespace dml::ssh {

// Blobs on their way from one node to files of this machine. Each is written beside its target,
// verified against its digest, and then given its name; a broken transfer goes on where it stopped,
// and so does one of which a piece arrived damaged. Single-threaded.
class Downloads {
 public:
  ~Downloads();

  // A file at `target`, by way of `temporary`. What to ask the node for; nothing if it is already
  // on its way or empty (then Take() has it at once).
  std::vector<node::BlobRange> Request(const Digest& digest, std::int64_t size,
                                       const std::string& temporary, const std::string& target);
  // What to ask for once more. kEnvironment if nobody knows what was damaged: only a new connection
  // helps.
  Result<std::optional<node::BlobRange>> Arrived(const node::Chunk& chunk);
  void Failed(const node::BlobOutcome& outcome);
  // After a reconnection: what to ask for again.
  [[nodiscard]] std::vector<node::BlobRange> Pending() const;

  struct Done {
    std::string target;
    Result<void> result;
  };
  [[nodiscard]] std::int64_t bytes_received() const { return bytes_received_; }
  // Pieces that did not arrive as they were.
  [[nodiscard]] int damaged() const { return damaged_; }
  [[nodiscard]] std::vector<Done> Take() { return std::exchange(done_, {}); }
  // The blobs that nobody waits for any more, of which the node need send no more.
  [[nodiscard]] std::vector<Digest> Cancel(const std::string& target);

 private:
  struct Coming {
    std::string temporary;
    std::vector<std::string> targets;
    std::int64_t size = 0;
    std::int64_t offset = 0;
    std::optional<FetchedFile> file;  // none if it could not be made
    // The piece that was asked for has not come: those behind it are of an earlier request.
    bool awaited = true;
    int damaged = 0;  // in a row
    Sha256 hash;
  };
  std::optional<node::BlobRange> Repeat(const Digest& digest, Coming& coming);
  void Finish(const Digest& digest, Result<void> result);

  std::map<Digest, Coming> coming_;
  std::int64_t bytes_received_ = 0;
  int damaged_ = 0;
  std::vector<Done> done_;
};

}  // namespace dml::ssh
