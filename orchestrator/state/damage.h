#pragma once

#include <string>

#include "base/result.h"

namespace dml::state {

// kEnvironment: the database at `path` is damaged, in what way, and what there is to lose and to
// do. See IsDamage().
[[nodiscard]] Error DamagedStore(const std::string& path, const std::string& detail);

// Before a database is opened, which would begin an empty one anew: DamagedStore() if the file at
// `path` is there and empty although it once had content (`lived`). Waits a moment for whoever may
// be making it.
[[nodiscard]] Result<void> RefuseEmptied(const std::string& path, bool lived);

// Whether there have been runs in the home of this dml.db.
[[nodiscard]] bool HadRuns(const std::string& database);

}  // namespace dml::state
