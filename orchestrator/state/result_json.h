#pragma once

#include <vector>

#include "base/artifact.h"
#include "base/json.h"
#include "base/result.h"

namespace dml::state {

// Artifacts as they stand in the cache: port, kind, digest and files by name, size and digest.
[[nodiscard]] Json ArtifactsToJson(const std::vector<Artifact>& artifacts);
// Reverses it; paths are empty. A malformed value is kEnvironment: the store is damaged.
Result<std::vector<Artifact>> ArtifactsFromJson(const Json& json);

}  // namespace dml::state
