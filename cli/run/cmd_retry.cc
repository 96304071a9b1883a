#include "cli/run/cmd_retry.h"

#include <fmt/format.h>

#include "cli/inspect/runs.h"
#include "cli/run/drive_run.h"
#include "cli/run/run_options.h"
#include "orchestrator/core/fusion.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/engine/selection.h"
#include "orchestrator/state/run_store.h"

namespace dml::cli {

namespace {

struct RetryOptions {
  std::string run;
  std::string step;
  std::vector<std::string> from;
  std::vector<std::string> sets;
  std::string cluster;
  int jobs = 0;
};

// What --cluster says for: no cluster.
constexpr const char* kThisMachine = "local";

// Where RUN ran, unless something else is asked for: never silently somewhere else.
std::string ClusterOf(const RetryOptions& options, const engine::RunRequest& request) {
  if (options.cluster.empty()) return request.options.cluster;
  return options.cluster == kThisMachine ? "" : options.cluster;
}

Result<ExitCode> RunRetry(const RetryOptions& options, const std::string& home_flag,
                          const Output& output) {
  DML_RETURN_IF_ERROR(CheckHomeIsThere(home_flag));
  DML_TRY(const engine::Home home, OpenHome(home_flag));
  DML_TRY(const OpenedRun opened, OpenRun(home_flag, options.run));
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  DML_TRY(const state::RunHeader header, store.Header(opened.run.id));
  DML_TRY(const engine::RunRequest request, engine::RequestFromJson(header.options));
  RunArgs args;
  args.pipeline.file = header.file;
  args.pipeline.sets = request.sets;
  args.pipeline.sets.insert(args.pipeline.sets.end(), options.sets.begin(), options.sets.end());
  args.pipeline.at = request.at;
  args.jobs = options.jobs > 0 ? options.jobs : request.options.jobs;
  args.keep_going = request.options.keep_going;
  args.no_cache = request.options.no_cache;
  args.cluster = ClusterOf(options, request);
  args.from = options.from;
  if (!options.step.empty()) args.from.push_back(options.step);
  DML_TRY(const OpenedPipeline pipeline, OpenPipeline(args.pipeline, output));
  DML_TRY(const core::TaskGraph graph, core::BuildGraph(pipeline.expanded));
  DML_TRY(args.until, engine::EndsFor(pipeline.expanded, graph, request.options.until, args.from));
  output.Note(fmt::format("r{} once more", opened.run.id.value));
  return DriveRun(home, pipeline, EngineOptions(args, pipeline), std::nullopt, output);
}

}  // namespace

Action SetupRetry(Args& args, CommonOptions& common) {
  auto options = std::make_shared<RetryOptions>();
  args.Positional("RUN", options->run, /*required=*/true, "r12, or latest");
  args.Positional("STEP", options->step, /*required=*/false,
                  "run this step again, and everything after it");
  args.Values("--from", "STEP", options->from, "the same; may be repeated");
  args.Values("-S,--set", "KEY=VALUE", options->sets, "change a parameter");
  args.Number("-j,--jobs", "N", options->jobs, 1, 10'000,
              "cores to use at once (default: as the run began)");
  args.Value("--cluster", "FILE", options->cluster,
             "run on the nodes of this inventory; local: on this machine (default: where RUN ran)");
  args.Describe(
      "Starts a new run of the same pipeline file, as it is now, with the parameters and on the\n"
      "cluster of RUN.\n"
      "What failed runs again; what is still valid is reused.");
  args.Example("dml retry latest", "what failed, once more");
  args.Example("dml retry r12 model -S C=10", "from a step on, with another parameter");
  return [options, &common](Output& output) { return RunRetry(*options, common.home, output); };
}

}  // namespace dml::cli
