#pragma once

#include <cstdint>

#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/cache_store.h"

namespace dml::engine {

struct GarbageReport {
  std::int64_t results = 0;
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t kept_files = 0;
  std::int64_t attempts = 0;     // folders that a crash left
  std::int64_t checkpoints = 0;  // that nobody has touched for a week
};

// Removes results that none of the newest `keep_runs` runs of any pipeline has, and files of no
// result. Whatever an unfinished run needs stays. No run may be going on: kBusy, and says which.
// Every home that shares the store is asked what it needs: kEnvironment if one cannot be.
// `dry_run`: only counts.
Result<GarbageReport> CollectGarbage(const Home& home, state::CacheStore& cache, int keep_runs,
                                     bool dry_run);

// A home that shares the store and is gone for good needs nothing of it any more. kInvalid if there
// is none of this path, or it is still there.
Result<void> ForgetHome(const Home& home, const std::string& path);

}  // namespace dml::engine
