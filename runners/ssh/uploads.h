#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "runners/node/compression.h"
#include "runners/node/wire.h"

namespace dml::ssh {

// Before asking again about a blob that somebody else is sending to the node.
inline constexpr Duration kBusyPause = Duration::Seconds(2);

// Blobs on their way to one node: asked for in batches ("which of these are missing?"), then the
// missing ones, one after another, each from where a broken transfer stopped, or where a piece
// arrived damaged. Small ones follow each other without waiting. Single-threaded.
class Uploads {
 public:
  ~Uploads();

  // Wants the content of the file at `path` there.
  void Want(const Digest& digest, const std::string& path);
  // Nobody waits for it any more. What the node has of half a blob is removed there, unless it is
  // wanted again before the node hears of that.
  void Abandon(const Digest& digest);
  [[nodiscard]] bool Holds(const Digest& digest) const { return there_.contains(digest); }
  void Learn(const Digest& digest) { there_.insert(digest); }
  // The node lacks it after all.
  void Unlearn(const Digest& digest) { there_.erase(digest); }

  // A blob of at least that size which waits behind another, for somebody else to send: then it is
  // no longer wanted here.
  struct Given {
    Digest digest;
    std::string path;
  };
  [[nodiscard]] bool CanGive(std::int64_t bytes_min) const;
  std::optional<Given> Give(std::int64_t bytes_min);

  // Messages from the node.
  void Missing(const std::vector<node::BlobState>& states, Instant now);
  void Outcome(const node::BlobOutcome& outcome, Instant now);
  void Repeat(const node::BlobRange& rest);
  // Once in a while: what others were sending to the node may have arrived.
  void AskAgain(Instant now);
  // The connection is new: whatever was under way is asked for again.
  void Restart();

  // Adds frames for the node until about `bytes_max` wait in `out`. `line`: how many bytes a second
  // it takes, if that is known.
  void Produce(std::string& out, std::size_t bytes_max, std::optional<double> line = {});
  [[nodiscard]] bool idle() const {
    return asked_.empty() && wanted_.empty() && queue_.empty() && busy_.empty();
  }

  struct Done {
    Digest digest;
    Result<void> result;
  };
  [[nodiscard]] std::vector<Done> Take() { return std::exchange(done_, {}); }
  // Of blobs, as they are when they are not packed.
  [[nodiscard]] std::int64_t bytes_sent() const { return bytes_sent_; }
  // Pieces that the node did not get as they were.
  [[nodiscard]] int damaged() const { return damaged_; }

 private:
  struct Sending {
    Digest digest;
    std::int64_t offset = 0;
    std::int64_t size = 0;
    int fd = -1;
  };
  // Where the last damaged piece of a blob began, and how often in a row.
  struct Damage {
    std::int64_t offset = 0;
    int times = 0;
  };
  [[nodiscard]] std::size_t FindToGive(std::int64_t bytes_min) const;
  bool Open(Sending& sending);
  void StopSending(const Digest& digest);
  void Finish(const Digest& digest, Result<void> result);

  std::map<Digest, std::string> paths_;  // of everything that is not there yet
  std::set<Digest> there_;
  std::set<Digest> abandoned_;                    // not told yet
  std::vector<Digest> wanted_;                    // not asked about yet
  std::vector<std::pair<Instant, Digest>> busy_;  // others send them; when to ask again
  std::deque<std::vector<Digest>> asked_;         // answers come in order
  std::deque<Sending> queue_;                     // the front one is under way if its fd is open
  std::vector<Done> done_;
  std::map<Digest, Damage> damages_;
  int damaged_ = 0;
  node::Compressor compressor_;
  std::string piece_;  // of a blob, as it was read
  std::int64_t bytes_sent_ = 0;
};

}  // namespace dml::ssh
