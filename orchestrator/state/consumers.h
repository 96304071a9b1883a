#pragma once

#include <map>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "orchestrator/state/database.h"

namespace dml::state {

// A result in the cache that was made from an artifact.
struct Consumer {
  Digest key;
  Digest artifact;
  WallTime created;
};

// The results of a table `cache` that read one of `artifacts` at the given time or later: what they
// are made from may not have been what its digest says. One of each result.
Result<std::vector<Consumer>> ConsumersSince(Database& db,
                                             const std::map<Digest, WallTime>& artifacts);

}  // namespace dml::state
