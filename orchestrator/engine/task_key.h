#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/hash.h"
#include "base/json.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// The cache key of a task as named fields: format, step type and its algorithm version (or the
// command), parameters, digests of inputs, files and code, declared environment. Never ids, paths,
// resources, retries or labels. `decl` has its deferred values filled in; `files` maps the
// parameters that name files to the digests of their content.
[[nodiscard]] Json KeyFields(const pipelines::TaskDecl& decl, const std::vector<Artifact>& inputs,
                             const std::map<std::string, Digest>& files);

[[nodiscard]] Digest KeyOf(const Json& fields);

}  // namespace dml::engine
