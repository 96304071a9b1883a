#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/files.h"
#include "base/output_file.h"
#include "cli/cluster/cluster_file.h"
#include "cli/cluster/cmd_cluster.h"
#include "cli/cluster/doorkeeper.h"
#include "cli/cluster/each_host.h"
#include "runners/ssh/inventory_edit.h"
#include "runners/ssh/remote.h"

namespace dml::cli {

namespace {

struct AddArgs {
  std::string file;
  std::vector<std::string> hosts;
  bool accept_keys = false;
  bool offline = false;
};

struct Added {
  ssh::TypedHost typed;
  std::optional<Error> problem;
  ssh::NodeFacts facts;
};

// Which of the hosts as they are written is the one that was typed.
std::optional<std::size_t> Find(const ssh::TypedHost& typed, const ssh::Cluster& written) {
  for (std::size_t i = 0; i < written.hosts.size(); ++i) {
    const ssh::Host& one = written.hosts[i];
    if (one.address == typed.host && (typed.port == 0 || one.port == typed.port)) return i;
  }
  return std::nullopt;
}

// The inventory as it would be, with those of `hosts` that are not there yet.
Result<std::string> NewText(const std::string& path, const std::string& text,
                            const std::vector<ssh::TypedHost>& hosts) {
  std::vector<ssh::TypedHost> fresh;
  const ssh::LoadedCluster before = ssh::ParseCluster(path, text);
  for (const ssh::TypedHost& host : hosts) {
    if (!Find(host, before.cluster)) fresh.push_back(host);
  }
  if (fresh.empty()) return text;
  return ssh::AddHosts(path, text, fresh);
}

// Connects to every new host, with what the defaults of the inventory say of it.
Result<std::vector<Added>> LookAt(const std::string& path, const std::string& text,
                                  const AddArgs& args, const Output& output) {
  std::vector<Added> all;
  for (const std::string& word : args.hosts) {
    Added one;
    DML_TRY(one.typed, ssh::ParseTypedHost(word));
    all.push_back(std::move(one));
  }
  if (args.offline) return all;
  std::vector<ssh::TypedHost> typed;
  for (const Added& one : all) typed.push_back(one.typed);
  DML_TRY(const std::string draft, NewText(path, text, typed));
  const ssh::LoadedCluster written = ssh::ParseCluster(path, draft);
  DML_TRY(const ssh::LoadedCluster loaded, ssh::ResolveCluster(written));
  std::vector<ssh::Host> hosts;
  for (const ssh::TypedHost& host : typed) {
    hosts.push_back(loaded.cluster.hosts[Find(host, written.cluster).value_or(0)]);
  }
  Doorkeeper keeper(args.accept_keys, output);
  MeetJumpHosts(hosts, loaded.cluster.connect_timeout, keeper);
  ForEachHost(hosts, [&](std::size_t i) {
    all[i].problem = ssh::LogIn(
        hosts[i],
        {loaded.cluster.connect_timeout,
         [&](const ssh::Host& host, const ssh::HostKey& key) { return keeper.Ask(host, key); }},
        all[i].facts);
  });
  return all;
}

Result<ExitCode> RunAdd(const AddArgs& args, const Output& output) {
  const std::string path = ClusterPath(args.file);
  std::error_code ignored;
  std::string text;
  if (std::filesystem::exists(path, ignored)) {
    DML_TRY(text, ReadFile(path));
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) text.clear();
  }
  if (const ssh::LoadedCluster loaded = ssh::ParseCluster(path, text);
      !text.empty() && !loaded.ok()) {
    output.RawMessage(Harmless(pipelines::RenderText(loaded.diagnostics)));
    return Error::Invalid("'" + path + "' has errors; nothing was added");
  }
  DML_TRY(const std::vector<Added> all, LookAt(path, text, args, output));
  std::vector<ssh::TypedHost> good;
  Json json = Json::array();
  for (const Added& one : all) {
    json.push_back({{"host", one.typed.host},
                    {"host_key", one.facts.host_key.fingerprint},
                    {"added", !one.problem},
                    {"problem", one.problem ? one.problem->message : ""}});
    if (one.problem) {
      output.Warn(
          fmt::format("{}: not added: {}", one.typed.host, Harmless(one.problem->Render())));
      continue;
    }
    good.push_back(one.typed);
    if (output.format() == Format::kTable) {
      output.Print(fmt::format("{}: {} {}\n", one.typed.host,
                               args.offline ? "added, unseen" : one.facts.host_key.type,
                               one.facts.host_key.fingerprint));
    }
  }
  if (!good.empty()) {
    DML_TRY(const std::string changed, NewText(path, text, good));
    if (changed != text) DML_RETURN_IF_ERROR(WriteOutputFile(path, changed));
    output.Note(changed == text ? "they are in '" + path + "' already" : "added to '" + path + "'");
  }
  if (output.format() == Format::kJson) output.PrintJson(json);
  return good.size() == all.size() ? ExitCode::kDone : ExitCode::kInfrastructure;
}

}  // namespace

Action SetupClusterAdd(Args& args, CommonOptions&) {
  auto options = std::make_shared<AddArgs>();
  args.Positionals("HOST", options->hosts, /*required=*/true,
                   "[user@]host[:port], or an alias of ~/.ssh/config");
  args.Value("-c,--cluster", "FILE", options->file,
             "the inventory (default: $DML_CLUSTER, else ./cluster.yaml); made if need be");
  args.Flag("--accept-new-host-keys", options->accept_keys,
            "trust hosts that nobody knows yet, without asking");
  args.Flag("--offline", options->offline, "write it down without a look at it");
  args.Describe(
      "Logs in to each host, shows its host key and asks about one that nobody knows, then adds\n"
      "it to the inventory, whose comments and form stay as they are. A host that cannot be\n"
      "reached, or whose key has changed, is not added.");
  args.Example("dml cluster add node1 ml@node2:2222", "then `dml cluster setup`");
  return [options](Output& output) { return RunAdd(*options, output); };
}

}  // namespace dml::cli
