#pragma once

#include <cstdint>
#include <string>

namespace dml {

// A file that a store keeps under the digest of its content is sealed: its mode is 0444, and its
// time says that it was last written at the beginning of 2000, which no archive refuses. Whoever
// writes to it all the same, as root may, sets its time to now; so one look at a file tells whether
// it is what it was.
inline constexpr std::int64_t kSealedSeconds = 946'684'800;

// Whether the time of the last write to a file is that of a sealed one.
[[nodiscard]] constexpr bool IsSealTime(std::int64_t seconds, std::int64_t nanoseconds) {
  return seconds == kSealedSeconds && nanoseconds == 0;
}

// Seals a file of this user; it counts as used now. False if its time could not be set, which costs
// whoever reads it a hashing.
bool Seal(const std::string& path);

// Counts a file as used now, without breaking its seal. False if it is not there or somebody
// else's.
bool Touch(const std::string& path);

}  // namespace dml
