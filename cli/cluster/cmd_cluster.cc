#include "cli/cluster/cmd_cluster.h"

#include <fmt/format.h>

#include <mutex>

#include "base/quantity.h"
#include "cli/cluster/cluster_file.h"
#include "cli/cluster/each_host.h"
#include "runners/ssh/node_probe.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/workdir.h"

namespace dml::cli {

namespace {

struct VerbArgs {
  ClusterArgs cluster;
  std::vector<std::string> words;
  std::string reason;
  std::string timeout;
  bool force = false;
  int age_hours = 1;
};

// What `dml cluster exec` gives a command.
constexpr const char* kExecTimeout = "10m";

// Prints what came of it on each node as soon as it is known. Thread-safe.
class Outcomes {
 public:
  Outcomes(const std::vector<ssh::Host>& hosts, const Output& output)
      : output_(output), json_(hosts.size()) {}

  void Tell(std::size_t at, const std::string& name, const Result<ssh::RemoteOutput>& result) {
    const std::lock_guard lock(mutex_);
    unreachable_ |= !result.ok();
    failed_ |= result.ok() && result->code != 0;
    if (output_.format() == Format::kJson) {
      json_[at] = {{"host", name},
                   {"code", result.ok() ? result->code : -1},
                   {"out", result.ok() ? result->out : ""},
                   {"err", result.ok() ? result->err : result.error().Render()}};
      if (result.ok() && !result->signal.empty()) json_[at]["signal"] = result->signal;
      if (result.ok() && result->full) json_[at]["cut"] = true;
    } else {
      Print(name, result);
    }
  }

  ExitCode Finish() {
    if (output_.format() == Format::kJson) output_.PrintJson(json_);
    if (unreachable_) return ExitCode::kInfrastructure;
    return failed_ ? ExitCode::kTaskFailed : ExitCode::kDone;
  }

 private:
  void Print(const std::string& name, const Result<ssh::RemoteOutput>& result) const {
    if (!result.ok()) {
      return output_.Warn(fmt::format("{}: {}", name, Harmless(result.error().Render())));
    }
    std::string text = result->out + result->err;
    if (text.empty() || text.back() != '\n') text += '\n';
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      if (!line.empty()) output_.Print(fmt::format("{}: {}\n", name, Harmless(line)));
      at = end + 1;
    }
    if (result->full) {
      output_.Warn(name + ": it writes more than 16 MiB; the rest is not read");
    } else if (!result->signal.empty()) {
      // Some have no name in the protocol.
      const bool named = result->signal.find('@') == std::string::npos;
      output_.Warn(fmt::format("{}: ended by {} (exit code {})", name,
                               named ? "SIG" + Harmless(result->signal) : "a signal",
                               result->code));
    } else if (result->code != 0) {
      output_.Warn(fmt::format("{}: exit code {}", name, result->code));
    }
  }

  const Output& output_;
  std::mutex mutex_;
  std::vector<Json> json_;  // in the order of the inventory
  bool unreachable_ = false;
  bool failed_ = false;
};

// A verb of dml-worker on every host, and what became of it.
Result<ExitCode> RunOnAll(const VerbArgs& args, const std::string& verb, const std::string& input,
                          const Output& output) {
  DML_TRY(const ssh::Cluster cluster, OpenCluster(args.cluster, output));
  DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
  Duration limit = ssh::kUploadMax;
  if (!args.timeout.empty()) {
    DML_TRY(limit, ParseDuration(args.timeout));
    if (limit.ns <= 0) {
      return Error::Invalid(fmt::format("--timeout: '{}' is no time to wait", args.timeout),
                            "write a time such as 30s or 2h");
    }
  }
  Outcomes outcomes(cluster.hosts, output);
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    const ssh::Host& host = cluster.hosts[i];
    const bool shares = verb.starts_with("gc") || verb.starts_with("down");
    const std::string shared =
        shares && !host.shared_dir.empty() ? " --shared " + host.shared_dir : "";
    const ssh::ConnectOptions options{cluster.connect_timeout, {}};
    outcomes.Tell(i, host.name,
                  verb.starts_with("down")
                      ? ssh::TakeDownNode(host, worker, options, verb + shared)
                      : ssh::RunVerb(host, worker, options, verb + shared, input, limit));
  });
  return outcomes.Finish();
}

// All nodes are asked before the first is touched: taken down one by one, a cluster that is at work
// would lose just those that have nothing to do for a moment.
Result<ExitCode> TakeDown(const VerbArgs& args, const Output& output) {
  if (args.force) return RunOnAll(args, "down --force yes", "", output);
  DML_TRY(const ssh::Cluster cluster, OpenCluster(args.cluster, output));
  DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
  std::vector<std::int64_t> running(cluster.hosts.size());
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    const auto probed = ssh::RunVerb(cluster.hosts[i], worker, {cluster.connect_timeout, {}},
                                     "probe", "", cluster.connect_timeout + ssh::kProbeMax);
    const auto probe = probed.ok() ? ssh::ParseProbe(probed->out) : Result<Json>(Json());
    if (!probe.ok() || !probe->is_object()) return;
    running[i] = probe->value("node", Json::object()).value("running", std::int64_t{0});
  });
  std::string where;
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (running[i] == 0) continue;
    where +=
        fmt::format("{}{} on {}", where.empty() ? "" : ", ", running[i], cluster.hosts[i].name);
  }
  if (where.empty()) return RunOnAll(args, "down", "", output);
  return Error::Busy("attempts run there (" + where + "); no node was taken down",
                     "wait for them, or end them with --force");
}

}  // namespace

Action SetupClusterExec(Args& args, CommonOptions&) {
  auto options = std::make_shared<VerbArgs>();
  AddClusterArgs(args, options->cluster);
  args.Positionals("COMMAND", options->words, /*required=*/true, "the command and its arguments");
  options->timeout = kExecTimeout;
  args.Value("--timeout", "TIME", options->timeout,
             "wait no longer than this for a node, such as 30s or 2h (default: 10m)");
  args.Describe(
      "Runs a command on every node, as it is: no shell takes it apart. What it prints is shown\n"
      "for each node as soon as it has ended there.");
  args.Example("dml cluster exec -- nproc", "on every node");
  args.Example("dml cluster exec --only n1 -- df -h .", "on one of them");
  return [options](Output& output) -> Result<ExitCode> {
    const std::string words = CanonicalJson(options->words);
    if (Json::parse(words) != Json(options->words)) {
      return Error::Invalid("the command is not UTF-8, as what nodes are told has to be",
                            "put it into a script on the nodes, and run that");
    }
    return RunOnAll(*options, "exec", words, output);
  };
}

Action SetupClusterDown(Args& args, CommonOptions&) {
  auto options = std::make_shared<VerbArgs>();
  AddClusterArgs(args, options->cluster);
  args.Example("dml cluster down", "leave nothing behind");
  args.Example("dml cluster down --only n3", "on one of them");
  args.Flag("--force", options->force, "end attempts that are still running there");
  args.Describe(
      "Ends the agents and removes what dml has put on the nodes, and nothing else. Refuses\n"
      "as a whole while attempts run on any of them, whoever's they are.");
  return [options](Output& output) { return TakeDown(*options, output); };
}

namespace {

// `dml cluster drain NODE...`: only what is named, for "all of them" is seldom meant.
Action DrainAction(Args& args, bool drain) {
  auto options = std::make_shared<VerbArgs>();
  AddClusterArgs(args, options->cluster);
  args.Positionals("NODE", options->words, /*required=*/true, "names of nodes");
  if (drain) args.Value("--reason", "TEXT", options->reason, "shown to whoever asks why");
  return [options, drain](Output& output) {
    for (const std::string& name : options->words) options->cluster.only.push_back(name);
    return RunOnAll(*options, drain ? "drain" : "undrain", options->reason, output);
  };
}

}  // namespace

Action SetupClusterDrain(Args& args, CommonOptions&) {
  args.Describe(
      "Lets no new tasks begin on these nodes, of nobody; what runs there goes on to its end. "
      "They\n"
      "stay drained, also when they are started anew, until `dml cluster undrain`.");
  args.Example("dml cluster drain n2 --reason 'new disk'", "then wait until its tasks are 0");
  return DrainAction(args, /*drain=*/true);
}

Action SetupClusterUndrain(Args& args, CommonOptions&) {
  args.Describe("Lets tasks begin again on nodes that were drained.");
  args.Example("dml cluster undrain n2", "the new disk is in");
  return DrainAction(args, /*drain=*/false);
}

Action SetupClusterGc(Args& args, CommonOptions&) {
  auto options = std::make_shared<VerbArgs>();
  AddClusterArgs(args, options->cluster);
  args.Number("--hours", "N", options->age_hours, 0, 24 * 365,
              "remove what was not used for this long (default: 1)");
  args.Describe("Removes cached blobs from the nodes; prints the bytes freed on each.");
  args.Example("dml cluster gc --hours 24", "what nobody has used for a day");
  return [options](Output& output) {
    return RunOnAll(*options, fmt::format("gc --age {}", options->age_hours * 3600), "", output);
  };
}

Action SetupClusterKey(Args& args, CommonOptions&) {
  auto options = std::make_shared<ClusterArgs>();
  AddClusterArgs(args, *options);
  args.Describe(
      "Prints, for each host, the beginning of a line for ~/.ssh/authorized_keys there that\n"
      "restricts a key to dml's bridge and nothing else. Put your public key behind it.");
  args.Example("dml cluster key --only n1", "the line for one host");
  return [options](Output& output) -> Result<ExitCode> {
    DML_TRY(const ssh::Cluster cluster, OpenCluster(*options, output));
    DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
    for (const ssh::Host& host : cluster.hosts) {
      output.Print(fmt::format("# {}\nrestrict,command=\"{}\" \n", host.name,
                               ssh::BridgeCommand(host, worker)));
    }
    return ExitCode::kDone;
  };
}

Action SetupClusterSchema(Args& args, CommonOptions&) {
  args.Describe("The JSON Schema of the inventory, for editors.");
  args.Example("dml cluster schema > cluster.schema.json", "for the language server of YAML");
  return [](Output& output) -> Result<ExitCode> {
    output.PrintJson(ssh::ClusterSchema());
    return ExitCode::kDone;
  };
}

std::span<const Command> ClusterCommands() {
  static constexpr Command kCommands[] = {
      {"add", "add hosts to the inventory, after a look at their keys", SetupClusterAdd},
      {"check", "look at every node: reach, keys, worker program, clock, disk", SetupClusterCheck},
      {"setup", "make every node ready: host key, worker program, agent", SetupClusterSetup},
      {"status", "what runs on every node", SetupClusterCheck},
      {"exec", "run a command on every node", SetupClusterExec},
      {"logs", "print what happened on the nodes", SetupClusterLogs},
      {"drain", "let no new tasks begin on some nodes", SetupClusterDrain},
      {"undrain", "let tasks begin there again", SetupClusterUndrain},
      {"gc", "remove cached data from the nodes", SetupClusterGc},
      {"down", "end the agents and remove everything from the nodes", SetupClusterDown},
      {"key", "print a restriction for a key of dml", SetupClusterKey},
      {"schema", "print the JSON Schema of the inventory", SetupClusterSchema},
  };
  return kCommands;
}

}  // namespace dml::cli
