#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "runners/api/runner.h"
#include "runners/node/blob_cache.h"

namespace dml::node {

// Where the things of one attempt are on a node. `name`: "<client>.<run>.<task>.<attempt>".
struct AttemptPaths {
  AttemptPaths(const std::string& root, const std::string& name)
      : folder(root + "/attempts/" + name), log(root + "/logs/" + name + ".log") {}
  std::string folder;
  std::string log;
  std::string checkpoint = {};  // of the task: its next attempt here goes on from there

  // The log and the folder, once nobody finds a record of the attempt (record_book.h).
  void Remove() const;
  // When the task has succeeded.
  void RemoveCheckpoint() const;
};

// Removes folders and logs of attempts that are not among `recorded`, by name, and nothing else.
void RemoveUnrecorded(const std::string& root, const std::set<std::string>& recorded);

[[nodiscard]] std::string AttemptName(const std::string& client, const runners::AttemptKey& key);

// Where a task of `client` leaves its checkpoints on a node; `theirs` is their folder at the head.
[[nodiscard]] std::string CheckpointPath(const std::string& root, const std::string& client,
                                         const std::string& theirs);

// Turns what a head wrote into what a worker of this node can run: inputs and files become paths
// of names that the attempt holds, and it gets folders of its own. Files outside the store appear
// below <attempt>/files under their full names, and parameters and arguments that are equal to
// their pattern follow. All that it reads is held in <attempt>/held until the folder goes; files in
// place stay where they are, and a glob of them is one of links in <attempt>/looked. Digests that
// the node does not have are returned; then, as after an error, the caller removes what was made.
Result<std::vector<Digest>> PlaceAttempt(const AttemptPaths& paths, const BlobCache& blobs,
                                         runners::LaunchSpec& spec);

// Removes what the attempt has put aside (runners/agent/input_guard.h) from the blobs: the head
// sends it again to whoever needs it.
void DropDamaged(const AttemptPaths& paths, const BlobCache& blobs);

}  // namespace dml::node
