#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/schedule/time_zone.h"

namespace dml::schedule {

// RFC 3339 to the second, with the offset of the zone: "2026-11-21T02:00:00+08:00"; UTC is "Z".
std::string FormatIn(const TimeZone& zone, WallTime time);

// "2026-11-21", "2026-11-21T02:00", "2026-11-21 02:00:30": in `zone`, the first of two instants
// where clocks go back, the end of the gap where they go forward. Or with "Z" or an offset such as
// "+08:00". kInvalid for anything else, and for dates that do not exist.
Result<WallTime> ParseTime(std::string_view text, const TimeZone& zone);

}  // namespace dml::schedule
