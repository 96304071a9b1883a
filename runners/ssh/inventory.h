#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/param_spec.h"
#include "pipelines/yaml/diagnostics.h"
#include "runners/ssh/host.h"

namespace dml::ssh {

// A cluster as it is written: YAML (see docs/cluster.md), or a host file with a line per node,
// "host[:port] [slots=N] [user=NAME]". Which of the two, the name tells: .yaml, .yml and .json are
// YAML. Everything that is wrong is reported at once; `cluster` means something only if ok().
struct LoadedCluster {
  Cluster cluster;
  std::vector<pipelines::Diagnostic> diagnostics;

  [[nodiscard]] bool ok() const { return diagnostics.empty(); }
};

inline constexpr std::size_t kHostsMax = 4096;

// From text; does not ask OpenSSH: names and defaults are as written. Pure.
LoadedCluster ParseCluster(const std::string& path, const std::string& text);

// The same with every host resolved.
Result<LoadedCluster> ResolveCluster(LoadedCluster loaded);

// From a file, and every host resolved.
Result<LoadedCluster> LoadCluster(const std::string& path);

// The keys of a host and of `defaults:`, and of the file: what validation, JSON Schema and the
// reference are made from.
const std::vector<ParamSpec>& HostSpecs();
const std::vector<ParamSpec>& ClusterSpecs();

// The inventory as a JSON Schema (draft-07).
Json ClusterSchema();

}  // namespace dml::ssh
