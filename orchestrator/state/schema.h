#pragma once

#include "base/result.h"
#include "orchestrator/state/database.h"

namespace dml::state {

// The version of the tables this program writes. Migrations only ever append.
inline constexpr int kSchemaVersion = 4;

// Brings a new or older database up to date, in one transaction. A newer one is kEnvironment.
Result<void> Migrate(Database& db);

}  // namespace dml::state
