#include "cli/run_options.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "orchestrator/engine/run_request.h"

namespace dml::cli {

namespace {

constexpr int kJobsMax = 10'000;

// A run is resumed from wherever the user happens to be then.
std::string AbsoluteOrEmpty(const std::string& path) {
  std::error_code ignored;
  return path.empty() ? path : std::filesystem::absolute(path, ignored).lexically_normal().string();
}

}  // namespace

void AddRunArgs(Args& args, RunArgs& run) {
  AddPipelineArgs(args, run.pipeline);
  args.Value("--at", "TIME", run.pipeline.at,
             "what ${schedule.time} stands for (default: the latest slot of schedule:, else now)");
  args.Number("-j,--jobs", "N", run.jobs, 1, kJobsMax, "cores to use at once (default: all)");
  args.Value("--cluster", "FILE", run.cluster, "run on the nodes of this inventory");
  args.Flag("-k,--keep-going", run.keep_going, "after a failure, run what does not depend on it");
  args.Flag("-f,--force", run.force, "run everything again, whatever is stored");
  args.Flag("--no-cache", run.no_cache, "neither reuse results nor keep them for reuse");
  args.Values("--from", "STEP", run.from, "run this step again, and everything after it");
  args.Values("--until", "STEP", run.until, "run only this step and what it needs");
}

engine::RunOptions EngineOptions(const RunArgs& args, const OpenedPipeline& pipeline) {
  engine::RunOptions options;
  options.jobs = args.jobs;
  options.keep_going = args.keep_going;
  options.force = args.force;
  options.no_cache = args.no_cache;
  options.concurrent = args.concurrent;
  options.cluster = AbsoluteOrEmpty(args.cluster);
  options.from = args.from;
  options.until = args.until;
  options.pipeline_text = pipeline.text;
  options.request = engine::RequestToJson(
      {pipeline.path, args.pipeline.sets, pipeline.sources, options, pipeline.at});
  return options;
}

Result<engine::Home> OpenHome(const std::string& home) {
  std::error_code problem;
  const std::filesystem::path here = std::filesystem::current_path(problem);
  if (problem) return Error::System("cannot tell the working directory", problem.value());
  std::string wanted = home;
  const char* variable = std::getenv("DML_HOME");
  if (wanted.empty() && variable != nullptr) wanted = variable;
  const char* cache = std::getenv("DML_CACHE");
  return engine::Home::Open(wanted, here.string(), cache == nullptr ? "" : cache);
}

}  // namespace dml::cli
