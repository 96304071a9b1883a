#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/args.h"
#include "cli/display/output.h"
#include "runners/api/runner.h"
#include "runners/ssh/inventory.h"

namespace dml::cli {

// The inventory that a command works with.
struct ClusterArgs {
  std::string file;
  std::vector<std::string> only;  // names of hosts; empty: all
};
void AddClusterArgs(Args& args, ClusterArgs& cluster);

// `file`, else $DML_CLUSTER, else ./cluster.yaml.
[[nodiscard]] std::string ClusterPath(const std::string& file);

// Reads, checks and resolves the one at ClusterPath(). What is wrong with
// it is printed like the faults of a pipeline.
Result<ssh::Cluster> OpenCluster(const ClusterArgs& args, const Output& output);

// Names this home on the nodes; made when first asked for.
Result<std::string> ClientName(const std::string& home);

// The runner over a cluster, connected. `jobs`: cores to use in all; 0: all of them. `notice` hears
// about nodes that come and go, from another thread.
Result<std::unique_ptr<runners::Runner>> MakeClusterRunner(
    const std::string& file, int jobs, const std::string& home, const Output& output,
    std::function<void(const std::string&)> notice, runners::EventSink& events);

}  // namespace dml::cli
