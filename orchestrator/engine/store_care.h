#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/cache_store.h"

namespace dml::engine {

// A file of the store whose content is not what its name says.
struct DamagedFile {
  std::string path;
  std::vector<std::string> tasks;  // whose outputs it is part of; the next run makes it again
};

struct VerifyReport {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::vector<DamagedFile> damaged;
};

// Reads every file of the store and removes those that are damaged, so that nobody reads them.
Result<VerifyReport> VerifyStore(const Home& home, state::CacheStore& cache);

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
// `dry_run`: only counts.
Result<GarbageReport> CollectGarbage(const Home& home, state::CacheStore& cache, int keep_runs,
                                     bool dry_run);

}  // namespace dml::engine
