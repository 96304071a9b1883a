#pragma once

#include <cstddef>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace dml::ssh {

// Of the answer of a probe: far more than it says.
inline constexpr std::size_t kProbeAnswerMax = 64U << 10;

// The JSON that follows the marker of `dml-worker probe`; whatever a login shell printed is
// skipped. kEnvironment unless it is an object in which everything that this dml knows is of its
// kind: text, numbers that a machine can have, and the object "node" with more of that.
Result<Json> ParseProbe(std::string_view out);

}  // namespace dml::ssh
