#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/cache_store.h"

namespace dml::engine {

// A file of the store whose content is not what its name says, or cannot be read.
struct DamagedFile {
  std::string path;
  std::vector<std::string> tasks;  // of this home, whose outputs it is part of
};

// A result that may have been made from a damaged file. What it says of itself is wrong then: it is
// filed under what the file should have been.
struct DoubtfulResult {
  std::string task;  // empty if nobody knows
  Digest key;
  std::string home;  // another one that shares the store; empty: this one
  WallTime created;
  std::string file;  // the damaged one
  WallTime changed;  // when it may have been damaged at the earliest
};

// A result of this home whose files are not all there, though none of them was found damaged.
struct IncompleteResult {
  std::string task;  // empty if nobody knows
  Digest key;
  std::int64_t files = 0;
  std::int64_t files_missing = 0;
};

struct VerifyReport {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::vector<DamagedFile> damaged;
  bool removed = true;  // they are, unless the home is read-only
  std::vector<DoubtfulResult> dropped;
  std::vector<IncompleteResult> incomplete;
};

// Reads every file of the store and removes those that are damaged, so that nobody reads them; and
// before that, from the cache of every home that shares the store, the results that have read one
// since it was last written. What was made from those in turn is filed under what they were, and
// stays right. A home that is read-only is only looked at. If anything is damaged, no run may be
// going on: kBusy, and nothing is removed.
Result<VerifyReport> VerifyStore(const Home& home, state::CacheStore& cache);

}  // namespace dml::engine
