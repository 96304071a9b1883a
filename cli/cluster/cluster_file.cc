#include "cli/cluster/cluster_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "base/hash.h"
#include "base/suggest.h"
#include "cli/display/refused_file.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/state/run_view.h"
#include "runners/ssh/ssh_runner.h"

namespace dml::cli {

namespace {

constexpr const char* kDefaultCluster = "cluster.yaml";
constexpr std::size_t kNameDigits = 16;

Result<void> KeepOnly(const std::vector<std::string>& only, ssh::Cluster& cluster) {
  std::vector<std::string> known;
  for (const ssh::Host& host : cluster.hosts) known.push_back(host.name);
  for (const std::string& name : only) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return Error::Invalid(fmt::format("'{}' has no host '{}'", cluster.file, name),
                          DidYouMean(name, known));
  }
  if (only.empty()) return {};
  std::erase_if(cluster.hosts, [&](const ssh::Host& host) {
    return std::ranges::find(only, host.name) == only.end();
  });
  return {};
}

}  // namespace

void AddClusterArgs(Args& args, ClusterArgs& cluster) {
  args.Value("-c,--cluster", "FILE", cluster.file,
             "the inventory (default: $DML_CLUSTER, else ./cluster.yaml)");
  args.Values("--only", "HOST", cluster.only, "only this host; may be given more than once");
}

std::string ClusterPath(const std::string& file) {
  if (!file.empty()) return file;
  const char* variable = std::getenv("DML_CLUSTER");
  return variable != nullptr && *variable != '\0' ? variable : kDefaultCluster;
}

Result<ssh::Cluster> OpenCluster(const ClusterArgs& args, const Output& output) {
  const std::string path = ClusterPath(args.file);
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) {
    return Error::Invalid(fmt::format("there is no inventory '{}'", path),
                          "`dml cluster add HOST` begins one; see docs/cluster.md");
  }
  DML_TRY(ssh::LoadedCluster loaded, ssh::LoadCluster(path));
  if (!loaded.ok()) return RefusedFile(path, loaded.diagnostics, output);
  DML_RETURN_IF_ERROR(KeepOnly(args.only, loaded.cluster));
  return std::move(loaded.cluster);
}

Result<std::string> ClientName(const std::string& home) {
  const std::string path = home + "/cluster-id";
  for (int tries = 0; tries < 2; ++tries) {
    const auto known = ReadFile(path);
    if (known.ok() && known->size() == kNameDigits) return *known;
    std::array<char, 32> noise{};
    if (::getrandom(noise.data(), noise.size(), 0) != static_cast<ssize_t>(noise.size())) {
      return Error::System("cannot draw a name for this home", errno);
    }
    const std::string name =
        Sha256::Of(std::string_view(noise.data(), noise.size())).Hex().substr(0, kNameDigits);
    // Two processes may be at it: the first file stays.
    const std::string draft = fmt::format("{}.{}", path, ::getpid());
    DML_RETURN_IF_ERROR(WriteFileAtomic(draft, name));
    if (::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) {
      return Error::System("cannot write '" + path + "'", errno);
    }
    ::unlink(draft.c_str());
  }
  return Error::Environment("'" + path + "' is damaged", "remove it");
}

namespace {

// No resumption will ask for what it has left on nodes: it has ended, and so has every task.
bool IsOver(const std::string& home, RunId run) {
  auto view = state::RunView::Open(home);
  if (!view.ok()) return false;
  const auto found = view->Find(fmt::format("r{}", run.value));
  if (!found.ok() || !found->finished) return false;
  for (std::size_t i = 0; i < found->counts.size(); ++i) {
    if (found->counts[i] > 0 && !core::IsFinal(static_cast<core::TaskState>(i))) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<runners::Runner>> MakeClusterRunner(
    const std::string& file, int jobs, const std::string& home, const Output& output,
    std::function<void(const std::string&)> notice, runners::EventSink& events) {
  ssh::ClusterOptions options;
  DML_TRY(options.cluster, OpenCluster({file, {}}, output));
  DML_TRY(options.worker, ssh::FindWorkerProgram());
  DML_TRY(options.client, ClientName(home));
  options.jobs = jobs;
  options.home = home;
  options.notice = std::move(notice);
  options.over = [home](RunId run) { return IsOver(home, run); };
  DML_TRY(std::unique_ptr<ssh::SshRunner> runner,
          ssh::SshRunner::Connect(std::move(options), events));
  return std::unique_ptr<runners::Runner>(std::move(runner));
}

}  // namespace dml::cli
