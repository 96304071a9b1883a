#include "cli/run/cmd_stop.h"

#include <fmt/format.h>

#include <tuple>

#include "cli/cluster/cluster_file.h"
#include "cli/hooks/run_hooks.h"
#include "cli/inspect/runs.h"
#include "cli/run/local_runner.h"
#include "cli/run/run_options.h"
#include "orchestrator/engine/inbox.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/engine/stop_run.h"

namespace dml::cli {

namespace {

struct StopOptions {
  std::string run;
  bool now = false;
};

// The inventory that the run works with; empty: this machine.
Result<std::string> ClusterOf(state::RunStore& store, RunId run) {
  DML_TRY(const state::RunHeader header, store.Header(run));
  DML_TRY(const engine::RunRequest request, engine::RequestFromJson(header.options));
  return request.options.cluster;
}

Result<ExitCode> RunStop(const StopOptions& options, const std::string& home_flag,
                         const Output& output) {
  DML_RETURN_IF_ERROR(CheckHomeIsThere(home_flag));
  DML_TRY(const engine::Home home, OpenHome(home_flag));
  DML_TRY(const OpenedRun opened, OpenRun(home_flag, options.run));
  engine::Inbox inbox;
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  DML_TRY(const std::string cluster, ClusterOf(store, opened.run.id));
  bool was_dead = false;
  const auto make_runner = [&]() -> Result<std::unique_ptr<runners::Runner>> {
    was_dead = true;
    if (cluster.empty()) return MakeLocalRunner(/*jobs=*/1, home.path(), inbox);
    const auto notice = [&](const std::string& text) { output.Note(Harmless(text)); };
    return MakeClusterRunner(cluster, /*jobs=*/0, home.path(), output, notice, inbox);
  };
  engine::StopRequest request;
  request.run = opened.run.id;
  request.at_once = options.now;
  request.hooks = MayHaveHooks(store, opened.run.id);
  request.say = [&](const std::string& text) { output.Note(Harmless(text)); };
  DML_TRY(const std::string outcome, engine::StopRun(home, request, make_runner, SystemClock()));
  // A living owner sees to them itself.
  if (was_dead && request.hooks) {
    DML_TRY(std::ignore, RunDueHooks(home, {opened.run.id}, output));
  }
  const std::string name = fmt::format("r{}", opened.run.id.value);
  const bool stopped = outcome == state::RunOutcomeName(state::RunOutcome::kCancelled);
  if (output.format() == Format::kJson) {
    output.PrintJson({{"run", name}, {"stopped", stopped}, {"outcome", outcome}});
  }
  output.Note(stopped ? fmt::format("{0} is stopped; `dml resume {0}` goes on with it", name)
                      : fmt::format("{} had already ended: {}", name, outcome));
  return ExitCode::kDone;
}

}  // namespace

Action SetupStop(Args& args, CommonOptions& common) {
  auto options = std::make_shared<StopOptions>();
  args.Positional("RUN", options->run, /*required=*/true, "r12, or latest");
  args.Flag("--now", options->now, "kill the tasks without giving them a moment to end");
  args.Describe(
      "Asks the process that drives the run to stop: its tasks get TERM, a moment, and KILL. It\n"
      "returns once none of them is left. Finished work is kept. If that process is dead, what it\n"
      "has left running is ended here, also on the nodes of its cluster, and its hooks are run.\n"
      "A run that ends by itself before it hears is no error: its outcome is said.");
  args.Example("dml stop latest", "stop the newest run");
  return [options, &common](Output& output) { return RunStop(*options, common.home, output); };
}

}  // namespace dml::cli
