#include <fmt/format.h>

#include <algorithm>

#include "cli/cluster/cluster_file.h"
#include "cli/cluster/cmd_cluster.h"
#include "cli/cluster/doorkeeper.h"
#include "cli/cluster/each_host.h"
#include "orchestrator/report/text_table.h"
#include "runners/ssh/remote.h"

namespace dml::cli {

namespace {

struct CheckArgs {
  ClusterArgs cluster;
  bool accept_keys = false;
  bool dry_run = false;
};

const char* NameOf(ssh::Stage stage) {
  switch (stage) {
    case ssh::Stage::kAddress:
    case ssh::Stage::kReach:
      return "unreachable";
    case ssh::Stage::kProtocol:
      return "protocol";
    case ssh::Stage::kHostKey:
      return "host key";
    case ssh::Stage::kAuth:
      return "login";
    case ssh::Stage::kReady:
      return "set-up";
  }
  return "";
}

std::string Verdict(const ssh::NodeFacts& facts) {
  const Json node =
      facts.probe.is_object() ? facts.probe.value("node", Json::object()) : Json::object();
  if (!facts.problem) return node.value("drained", "").empty() ? "ready" : "drained";
  if (facts.agent_hangs) return "agent";
  return facts.reached == ssh::Stage::kReady && facts.set_up ? "warning" : NameOf(facts.reached);
}

Json ToJson(const ssh::Host& host, const ssh::NodeFacts& facts) {
  Json json{{"host", host.name},
            {"address", ssh::Describe(host)},
            {"verdict", Verdict(facts)},
            {"set_up", facts.set_up},
            {"host_key", facts.host_key.fingerprint},
            {"cipher", facts.cipher},
            {"connect_ms", facts.connect.seconds() * 1e3},
            {"round_trip_ms", facts.round_trip.seconds() * 1e3},
            {"clock_offset_s", facts.clock_offset_s},
            {"probe", facts.probe},
            {"done", facts.done}};
  if (facts.upload_mib_s > 0) json["upload_mib_s"] = facts.upload_mib_s;
  if (facts.problem) {
    json["problem"] = facts.problem->message;
    json["hint"] = facts.problem->hint;
  }
  return json;
}

std::string Gib(std::int64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / (1 << 30));
}

std::string NoteOf(const ssh::NodeFacts& facts, const std::string& drained) {
  const std::string why = drained.empty() || drained == "drained" ? "" : "drained: " + drained;
  return facts.done.empty() || why.empty() ? facts.done + why : facts.done + "; " + why;
}

void PrintTable(const ssh::Cluster& cluster, const std::vector<ssh::NodeFacts>& all,
                const Output& output) {
  using report::Align;
  report::TextTable table({{"host"},
                           {"verdict"},
                           {"cores", Align::kRight},
                           {"GiB", Align::kRight},
                           {"disk GiB", Align::kRight},
                           {"clock s", Align::kRight},
                           {"rtt ms", Align::kRight},
                           {"MiB/s", Align::kRight},
                           {"tasks", Align::kRight},
                           {"note"}});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const ssh::NodeFacts& facts = all[i];
    const Json& probe = facts.probe;
    const bool known = probe.is_object();
    const Json node = known ? probe.value("node", Json::object()) : Json::object();
    table.AddRow({cluster.hosts[i].name, Verdict(facts),
                  known ? fmt::format("{:g}", probe.value("cpus", 0.0)) : "",
                  known ? Gib(probe.value("memory", std::int64_t{0})) : "",
                  known ? Gib(probe.value("disk_free", std::int64_t{0})) : "",
                  known ? fmt::format("{:+.1f}", facts.clock_offset_s) : "",
                  facts.reached == ssh::Stage::kReady
                      ? fmt::format("{:.1f}", facts.round_trip.seconds() * 1e3)
                      : "",
                  facts.upload_mib_s > 0 ? fmt::format("{:.0f}", facts.upload_mib_s) : "",
                  known ? std::to_string(node.value("running", 0)) : "",
                  NoteOf(facts, node.value("drained", ""))});
  }
  output.Print(table.Render(static_cast<std::size_t>(std::max(40, output.result_width()))));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].problem) continue;
    output.Print(
        fmt::format("\n{}: {}\n", cluster.hosts[i].name, Harmless(all[i].problem->message)));
    if (!all[i].problem->hint.empty()) {
      output.Print(fmt::format("  hint: {}\n", Harmless(all[i].problem->hint)));
    }
  }
}

ExitCode CodeOf(const std::vector<ssh::NodeFacts>& all) {
  const bool bad = std::ranges::any_of(
      all, [](const ssh::NodeFacts& facts) { return facts.problem && !facts.set_up; });
  return bad ? ExitCode::kInfrastructure : ExitCode::kDone;
}

Result<ExitCode> Finish(const ssh::Cluster& cluster, const std::vector<ssh::NodeFacts>& all,
                        const Output& output) {
  if (output.format() == Format::kJson) {
    Json json = Json::array();
    for (std::size_t i = 0; i < all.size(); ++i) json.push_back(ToJson(cluster.hosts[i], all[i]));
    output.PrintJson(json);
  } else {
    PrintTable(cluster, all, output);
  }
  return CodeOf(all);
}

Result<ExitCode> RunCheck(const CheckArgs& args, const Output& output) {
  DML_TRY(const ssh::Cluster cluster, OpenCluster(args.cluster, output));
  DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
  std::vector<ssh::NodeFacts> all(cluster.hosts.size());
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    all[i] = ssh::CheckNode(cluster.hosts[i], worker, {cluster.connect_timeout, {}});
  });
  ssh::JudgeTwins(cluster.hosts, all);
  return Finish(cluster, all, output);
}

// What set-up would do to a node that was looked at.
std::string Intention(const ssh::NodeFacts& facts) {
  if (!facts.problem || facts.set_up) return "nothing to do";
  if (facts.lacks_worker) return "would copy the worker program";
  const bool unknown = facts.reached == ssh::Stage::kHostKey &&
                       facts.problem->message.find("is not known") != std::string::npos;
  return unknown ? "would ask whether to trust its host key, then look further" : "cannot help";
}

Result<ExitCode> ShowSetup(const ssh::Cluster& cluster, const ssh::WorkerProgram& worker,
                           const Output& output) {
  std::vector<ssh::NodeFacts> all(cluster.hosts.size());
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    all[i] = ssh::CheckNode(cluster.hosts[i], worker, {cluster.connect_timeout, {}});
    all[i].done = Intention(all[i]);
  });
  DML_TRY([[maybe_unused]] const ExitCode code, Finish(cluster, all, output));
  const bool helpless = std::ranges::any_of(
      all, [](const ssh::NodeFacts& facts) { return facts.done == "cannot help"; });
  return helpless ? ExitCode::kInfrastructure : ExitCode::kDone;
}

Result<ExitCode> RunSetup(const CheckArgs& args, const Output& output) {
  DML_TRY(const ssh::Cluster cluster, OpenCluster(args.cluster, output));
  DML_TRY(const ssh::WorkerProgram worker, ssh::FindWorkerProgram());
  for (const ssh::Host& host : cluster.hosts) {
    output.Note(fmt::format("{}: {} -> {}", host.name, ssh::Describe(host),
                            ssh::RemoteWorkerPath(host, worker)));
  }
  if (args.dry_run) return ShowSetup(cluster, worker, output);
  Doorkeeper keeper(args.accept_keys, output);
  MeetJumpHosts(cluster.hosts, cluster.connect_timeout, keeper);
  std::vector<ssh::NodeFacts> all(cluster.hosts.size());
  ForEachHost(cluster.hosts, [&](std::size_t i) {
    all[i] = ssh::SetUpNode(
        cluster.hosts[i], worker,
        {cluster.connect_timeout,
         [&](const ssh::Host& host, const ssh::HostKey& key) { return keeper.Ask(host, key); }});
  });
  ssh::JudgeTwins(cluster.hosts, all);
  return Finish(cluster, all, output);
}

}  // namespace

Action SetupClusterCheck(Args& args, CommonOptions&) {
  auto options = std::make_shared<CheckArgs>();
  AddClusterArgs(args, options->cluster);
  args.Describe("Only looks. One line per node, with what is wrong and what to do about it.");
  args.Example("dml cluster check", "the nodes of ./cluster.yaml");
  args.Example("dml cluster check -o json", "the same for a program");
  return [options](Output& output) { return RunCheck(*options, output); };
}

Action SetupClusterSetup(Args& args, CommonOptions&) {
  auto options = std::make_shared<CheckArgs>();
  AddClusterArgs(args, options->cluster);
  args.Flag("--accept-new-host-keys", options->accept_keys,
            "trust hosts that nobody knows yet, without asking");
  args.Flag("-n,--dry-run", options->dry_run, "only look, and show what would be done");
  args.Describe(
      "Works on all nodes at once and does only what is missing, so it can be repeated. A host\n"
      "key that has changed is refused in any case.");
  args.Example("dml cluster setup", "ask about unknown host keys");
  return [options](Output& output) { return RunSetup(*options, output); };
}

}  // namespace dml::cli
