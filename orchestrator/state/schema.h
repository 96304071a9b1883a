#pragma once

#include "base/result.h"
#include "orchestrator/state/database.h"

namespace dml::state {

// The version of the tables this program writes. Migrations only ever append.
inline constexpr int kSchemaVersion = 6;

// Brings a new or older database up to date, in one transaction. A newer one is kEnvironment.
Result<void> Migrate(Database& db);

// kEnvironment if it is not up to date, for whoever cannot write it.
Result<void> RequireVersion(Database& db);

}  // namespace dml::state
