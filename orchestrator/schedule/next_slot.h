#pragma once

#include <optional>

#include "base/clock.h"
#include "orchestrator/schedule/cron_expression.h"
#include "orchestrator/schedule/time_zone.h"

namespace dml::schedule {

// The first slot of `cron` in `zone` strictly after `after`; nothing if none comes within forty
// years. Where clocks go forward, a slot inside the gap comes once, right after it. Where they go
// back, a slot at a fixed hour comes once, the first time; with `*` hours it comes in both.
// Pure: the same arguments give the same slot on every machine with the same zone data.
std::optional<WallTime> NextSlot(const CronExpression& cron, const TimeZone& zone, WallTime after);

}  // namespace dml::schedule
