#include <fmt/format.h>

#include <mutex>

#include "cli/cluster_file.h"
#include "cli/cmd_cluster.h"
#include "cli/each_host.h"
#include "runners/ssh/remote.h"

namespace dml::cli {

namespace {

constexpr int kLinesMax = 1'000'000;
// A line of a journal is far shorter; a longer one is passed on in pieces.
constexpr std::size_t kLineBytesMax = 1U << 16;

struct LogsArgs {
  ClusterArgs cluster;
  std::vector<std::string> nodes;
  int lines = 100;
  bool follow = false;
};

// Whole lines of several nodes, each with the name of its node in front. Thread-safe.
class Lines {
 public:
  Lines(bool names, const Output& output) : names_(names), output_(output) {}

  // Takes the whole lines out of `text`. False if nobody reads them any more.
  bool Print(const std::string& name, std::string& text, bool rest) {
    const std::lock_guard lock(mutex_);
    std::size_t at = 0;
    while (at < text.size()) {
      std::size_t end = text.find('\n', at);
      if (end == std::string::npos && !rest && text.size() - at < kLineBytesMax) break;
      end = std::min(end, text.size());
      output_.Print((names_ ? name + ": " : "") + Harmless(text.substr(at, end - at)) + "\n");
      at = std::min(end + 1, text.size());
    }
    text.erase(0, at);
    return !output_.cut_off();
  }

 private:
  std::mutex mutex_;
  const bool names_;
  const Output& output_;
};

Result<ExitCode> RunLogs(const LogsArgs& args, const Output& output) {
  DML_TRY(const ssh::Cluster cluster, OpenCluster(args.cluster, output));
  DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
  const std::string verb =
      fmt::format("logs --lines {}{}", args.lines, args.follow ? " --follow yes" : "");
  Lines lines(cluster.hosts.size() > 1, output);
  std::vector<Result<void>> results(cluster.hosts.size());
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    std::string text;
    const std::string& name = cluster.hosts[i].name;
    results[i] = ssh::StreamVerb(cluster.hosts[i], worker, {cluster.connect_timeout, {}}, verb,
                                 args.follow, [&](std::string_view more) {
                                   text += more;
                                   return lines.Print(name, text, /*rest=*/false);
                                 });
    lines.Print(name, text, /*rest=*/true);
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
