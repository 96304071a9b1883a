#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/artifact.h"
#include "base/hash.h"
#include "base/result.h"
#include "runners/api/frame.h"
#include "runners/api/messages.h"
#include "runners/api/runner.h"

// What a head and the resident agent of a node say to each other, over any byte stream, in frames
// of runners/api/frame.h. The greeting is JSON to which versions only ever add, so that each
// understands the greeting of every other; all else is in the form of runners/api/packing.h, pieces
// of blobs and logs behind a short head. Heads and agents of different versions say no more to each
// other than the greeting and kStop. Decoding trusts nothing: what does not fit is kEnvironment.
namespace dml::node {

inline constexpr int kWireVersion = 7;
// Pieces of blobs and logs. Small enough for a heartbeat to pass between two of them.
inline constexpr std::size_t kChunkBytesMax = 256U << 10U;
inline constexpr std::size_t kDigestsPerFrameMax = 4096;
inline constexpr std::size_t kClientNameMax = 64;
// A machine has no more memory: the sum over a cluster has to be a number.
inline constexpr std::int64_t kMachineBytesMax = std::int64_t{1} << 50;
// Nor is a file larger: sums over many of them fit into 64 bits.
inline constexpr std::int64_t kFileBytesMax = std::int64_t{1} << 50;
// Of what an agent says of itself: each text, and the attempts that it knows of.
inline constexpr std::size_t kGreetingTextMax = 64U << 10;
inline constexpr std::size_t kKnownAttemptsMax = 1'000'000;
// Of the reason for which a node was drained, the payload of kDrain; empty: it no longer is.
inline constexpr std::size_t kDrainReasonMax = 256;
// Of the paths and globs that an agent is asked about, and of its answers: so many files, and so
// many bytes of names and paths.
inline constexpr std::size_t kPatternBytesMax = 4096;
inline constexpr std::size_t kLookedFilesMax = 100'000;
inline constexpr std::size_t kLookedBytesMax = 32U << 20;
// A connection on which the agent heard nothing for this long is dead, whatever the system says: a
// head asks for a sign of life much more often.
inline constexpr Duration kHeadSilenceMax = Duration::Seconds(60);

// kAttach. `client`: the head's home, [a-z0-9-]; attempts of different clients never meet.
struct Attach {
  int version = kWireVersion;
  std::string client;
  std::string env_init = {};                    // a script for the login shell, or empty
  std::map<std::string, std::string> env = {};  // that it sees
  std::string shared_dir = {};                  // a folder that both ends may see, or empty
  std::string token = {};                       // that the head left there under its name
  bool share_outputs = false;                   // the head can link outputs from there
};
[[nodiscard]] std::string Encode(const Attach& message);
Result<Attach> DecodeAttach(std::string_view payload);

// An attempt of this client that the agent knows of.
struct KnownAttempt {
  runners::AttemptKey key;
  bool finished = false;
  int pid = 0;
};
// kAttached. `version`: 1 of an agent that does not say. `lease`: for how long attempts live on
// without their head. `trouble`: why no attempt can begin there. `drained`: why none should, for a
// person said so. `shared`: the token was there.
struct Attached {
  int version = kWireVersion;
  int agent_pid = 0;
  std::string boot;
  std::string host;
  double cpus = 1;
  std::int64_t memory_bytes = 0;
  std::int64_t disk_free_bytes = 0;
  Duration lease{0};
  std::string trouble;
  std::string drained;
  bool shared = false;
  std::vector<KnownAttempt> attempts;
};
[[nodiscard]] std::string Encode(const Attached& message);
Result<Attached> DecodeAttached(std::string_view payload);

// kAdopt: `log_from` bytes of the log are already with the head.
struct Adopt {
  runners::AttemptKey key;
  std::int64_t log_from = 0;
};
[[nodiscard]] std::string Encode(const Adopt& message);
Result<Adopt> DecodeAdopt(std::string_view payload);

// kRelease.
[[nodiscard]] std::string EncodeKeys(const std::vector<runners::AttemptKey>& keys);
Result<std::vector<runners::AttemptKey>> DecodeKeys(std::string_view payload);

// kFinished. `outputs`: files with `name` = "<port>/<file>", present on the node by digest.
struct Finished {
  runners::AttemptExited exited;
  std::vector<ArtifactFile> outputs;
  std::int64_t log_bytes = 0;
};
[[nodiscard]] std::string Encode(const Finished& message);
// Of at most `bytes_max`: a report that is larger becomes the failure of its task.
[[nodiscard]] std::string EncodeWithin(const Finished& message, std::size_t bytes_max);
Result<Finished> DecodeFinished(std::string_view payload);

// kLost. `absent`: blobs that a launch needs and the node no longer has.
struct Lost {
  runners::AttemptKey key;
  Error error;
  std::vector<Digest> absent;
};
[[nodiscard]] std::string Encode(const Lost& message);
Result<Lost> DecodeLost(std::string_view payload);

// kLog: 8 bytes run, 4 task, 4 attempt, 8 offset, all little-endian; then the bytes. Without bytes:
// the log has been cut to `offset` bytes, and what follows goes on there.
struct LogPiece {
  runners::AttemptKey key;
  std::int64_t offset = 0;
  std::string_view bytes;  // of the payload that it was decoded from
};
[[nodiscard]] std::string Encode(const LogPiece& message);
Result<LogPiece> DecodeLog(std::string_view payload);

// kHave. The answer kMissing lists those that are not there, with the size of what an earlier,
// broken transfer left; kArriving: somebody is sending it, perhaps on a connection that is dead.
struct BlobState {
  static constexpr std::int64_t kArriving = -1;
  Digest digest;
  std::int64_t bytes = 0;
};
[[nodiscard]] std::string EncodeDigests(const std::vector<Digest>& digests);
Result<std::vector<Digest>> DecodeDigests(std::string_view payload);
[[nodiscard]] std::string EncodeStates(const std::vector<BlobState>& states);
Result<std::vector<BlobState>> DecodeStates(std::string_view payload);

// kPut and kGet: the blob, its size, and where the first piece begins. Whoever is sent a damaged
// piece of a blob says kGet, from there on: the head once more, and the agent, to which the head
// answers with another kPut. kPutDone and kGetFailed: the blob and an error, whose empty message
// means success. kAbandon and kUnwanted end transfers up and down: their digests alone.
struct BlobRange {
  Digest digest;
  std::int64_t size = 0;
  std::int64_t offset = 0;
};
[[nodiscard]] std::string Encode(const BlobRange& message);
Result<BlobRange> DecodeBlobRange(std::string_view payload);
struct BlobOutcome {
  Digest digest;
  Error error;
  [[nodiscard]] bool ok() const { return error.message.empty(); }
};
[[nodiscard]] std::string Encode(const BlobOutcome& message);
Result<BlobOutcome> DecodeBlobOutcome(std::string_view payload);

// One piece that is damaged so many times in a row ends the transfer.
inline constexpr int kDamagedMax = 8;

// kChunk: 32 bytes digest, 8 offset, 1 flag (1: zstd), 4 CRC-32C of these and of what follows; then
// the bytes, kChunkBytesMax when unpacked. SSH vouches for the line; this finds at once what the
// memory of either end, or a mistake, has done to them, which the digest would tell only at the
// end.
struct Chunk {
  Digest digest;
  std::int64_t offset = 0;
  bool packed = false;
  std::string_view bytes;  // of the payload that it was decoded from
  bool intact = true;      // as decoded; else, nothing of it can be relied on
};
void AppendChunk(const Chunk& chunk, std::string& out);  // a whole frame
Result<Chunk> DecodeChunk(std::string_view payload);

// kLook. `id` is the head's, and comes back with the answer. A connection that ends takes its
// questions along.
struct Look {
  std::uint64_t id = 0;
  std::string pattern;
};
[[nodiscard]] std::string Encode(const Look& message);
Result<Look> DecodeLook(std::string_view payload);

// kLooked: some files, sorted by path, or an error.
struct Looked {
  std::uint64_t id = 0;
  Error error;
  std::vector<runners::RemoteFile> files;
};
[[nodiscard]] std::string Encode(const Looked& message);
Result<Looked> DecodeLooked(std::string_view payload);

}  // namespace dml::node
