#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace dml::steps {

// Bounds of the search: words that it goes through, about a second; and sums of rows, of four bytes
// each.
inline constexpr std::uint64_t kGroupStepsMax = std::uint64_t{1} << 31U;
inline constexpr std::uint64_t kGroupSumsMax = std::uint64_t{1} << 26U;

// Which of at least two groups to take, so that their rows together come as near to `wanted` as
// groups can; neither all nor none. Groups join in the random order that `random` gives while they
// bring the sum nearer. If that does not hit `wanted`, all sums that groups can have are looked at,
// and groups that come early in the order are preferred. Beyond the bounds of that search groups
// also join in order of size, and the nearer of the two outcomes holds. `sizes` are positive.
[[nodiscard]] std::vector<bool> NearestGroups(std::span<const std::uint64_t> sizes,
                                              std::uint64_t wanted, const Philox& random,
                                              std::uint64_t steps_max = kGroupStepsMax);

}  // namespace dml::steps
