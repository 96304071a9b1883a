#include "cli/run/run_options.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/inspect/runs.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/state/run_view.h"

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
  run.pipeline.look_at_data = true;
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

namespace {

std::string SharedCache() {
  const char* value = std::getenv("DML_CACHE");
  return value == nullptr ? "" : value;
}

}  // namespace

Result<void> CheckHomeIsThere(const std::string& home) {
  DML_TRY(const std::string path, HomePath(home));
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return {};
  const auto nothing = state::RunView::Open(path);
  if (nothing.ok()) return {};  // it has come into being just now
  return nothing.error();
}

Result<void> CheckStoreIsThere(const std::string& home) {
  if (!SharedCache().empty()) return {};
  return CheckHomeIsThere(home);
}

Result<engine::Home> OpenHome(const std::string& home) {
  DML_TRY(const HomeSearch search, SearchForHome(home));
  return engine::Home::Open(search.wanted, search.directory, SharedCache());
}

Result<engine::Home> OpenHomeToAsk(const std::string& home) {
  DML_TRY(const HomeSearch search, SearchForHome(home));
  return engine::Home::OpenToAsk(search.wanted, search.directory, SharedCache());
}

Result<BorrowedHome> BorrowedHome::Open(const std::string& home) {
  DML_TRY(const HomeSearch search, SearchForHome(home));
  std::error_code ignored;
  if (std::filesystem::exists(engine::Home::Locate(search.wanted, search.directory), ignored)) {
    DML_TRY(engine::Home found, OpenHomeToAsk(home));
    return BorrowedHome(std::move(found), "");
  }
  std::string folder = (std::filesystem::temp_directory_path(ignored) / "dml-plan-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    return Error::System("cannot make a temporary folder '" + folder + "'", errno);
  }
  auto opened = engine::Home::Open(folder + "/home", search.directory, SharedCache());
  if (!opened.ok()) {
    std::filesystem::remove_all(folder, ignored);
    return opened.error();
  }
  return BorrowedHome(std::move(opened).value(), folder);
}

BorrowedHome::BorrowedHome(BorrowedHome&& other) noexcept
    : home_(std::move(other.home_)), temporary_(std::exchange(other.temporary_, {})) {}

BorrowedHome::~BorrowedHome() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

}  // namespace dml::cli
