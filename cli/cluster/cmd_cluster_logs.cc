#include <fmt/format.h>

#include "cli/cluster/cluster_file.h"
#include "cli/cluster/cmd_cluster.h"
#include "cli/cluster/each_host.h"
#include "cli/cluster/node_lines.h"
#include "runners/ssh/remote.h"

namespace dml::cli {

namespace {

constexpr int kLinesMax = 1'000'000;

struct LogsArgs {
  ClusterArgs cluster;
  std::vector<std::string> nodes;
  int lines = 100;
  bool follow = false;
};

Result<ExitCode> RunLogs(const LogsArgs& args, const Output& output) {
  DML_TRY(const ssh::Cluster cluster, OpenCluster(args.cluster, output));
  DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
  const std::string verb =
      fmt::format("logs --lines {}{}", args.lines, args.follow ? " --follow yes" : "");
  NodeLines lines(cluster.hosts.size() > 1, [&](const std::string& line) { output.Print(line); });
  std::vector<Result<void>> results(cluster.hosts.size());
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    std::string text;
    const std::string& name = cluster.hosts[i].name;
    results[i] = ssh::StreamVerb(cluster.hosts[i], worker, {cluster.connect_timeout, {}}, verb,
                                 args.follow, [&](std::string_view more) {
                                   text += more;
                                   lines.Take(name, text, /*rest=*/false);
                                   return !output.cut_off();
                                 });
    lines.Take(name, text, /*rest=*/true);
  });
  bool bad = false;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) continue;
    bad = true;
    output.Warn(
        fmt::format("{}: {}", cluster.hosts[i].name, Harmless(results[i].error().Render())));
  }
  return bad ? ExitCode::kInfrastructure : ExitCode::kDone;
}

}  // namespace

Action SetupClusterLogs(Args& args, CommonOptions&) {
  auto options = std::make_shared<LogsArgs>();
  AddClusterArgs(args, options->cluster);
  args.Positionals("NODE", options->nodes, /*required=*/false, "nodes; all if none is named");
  args.Number("-n,--lines", "N", options->lines, 0, kLinesMax, "the last N lines (default: 100)");
  args.Flag("-f,--follow", options->follow, "go on printing what happens there");
  args.Describe(
      "What happened on the nodes: who connected, what began there and how it ended. What a\n"
      "task wrote is in `dml logs TASK`.");
  args.Example("dml cluster logs n1 -f", "follow one node");
  return [options](Output& output) {
    for (const std::string& name : options->nodes) options->cluster.only.push_back(name);
    return RunLogs(*options, output);
  };
}

}  // namespace dml::cli
