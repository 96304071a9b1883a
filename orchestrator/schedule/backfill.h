#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/schedule/policy.h"
#include "orchestrator/state/schedule_store.h"

namespace dml::schedule {

inline constexpr int kBackfillSlotsMax = 10'000;

struct BackfillRequest {
  WallTime from;     // inclusive
  WallTime to;       // inclusive, not later than now
  int parallel = 1;  // runs at once
  bool newest_first = false;
  bool again = false;    // also slots that succeeded
  bool dry_run = false;  // only count
};

struct BackfillPlan {
  int to_run = 0;
  int succeeded = 0;  // left alone
  int open = 0;       // waiting or running already
};

// Lets the slots of a time gone by wait for their turn: those without a row, and those that were
// skipped, failed or cancelled. A row that stood for many gives up the part that is asked for. In
// one transaction; nothing happens if there are more than kBackfillSlotsMax (kInvalid).
Result<BackfillPlan> Backfill(state::ScheduleStore& store, const state::ScheduleRow& schedule,
                              const Policy& policy, const BackfillRequest& request);

}  // namespace dml::schedule
