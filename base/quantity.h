#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace dml {

// "30s", "1h30m", "250ms", "2d"; a bare number is refused because its unit is anybody's guess.
Result<Duration> ParseDuration(std::string_view text);
// "1h30m", "2.5s", "340ms": at most two units, for people.
std::string FormatDuration(Duration duration);

// "512Mi", "4Gi", "1GB" (decimal), "100" (bytes).
Result<std::int64_t> ParseSize(std::string_view text);
// "512 MiB".
std::string FormatSize(std::int64_t bytes);

// "2026-11-21T01:30:00.000Z".
std::string FormatUtc(WallTime time);

}  // namespace dml
