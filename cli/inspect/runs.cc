#include "cli/inspect/runs.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/suggest.h"
#include "cli/pipeline/steps_registry.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/report/collect.h"
#include "pipelines/load.h"

namespace dml::cli {

namespace {

// The pipeline as it was when the run began: the text is the store's, included files are the
// disk's, parameters are the run's.
std::optional<pipelines::ExpandedPipeline> Reexpand(const state::RunSummary& run) {
  pipelines::LoadOptions options;
  options.catalog = &BuiltinSteps().catalog();
  options.read_file = [&run](const std::string& path) -> Result<std::string> {
    std::error_code problem;
    const bool is_main = path == run.file || std::filesystem::equivalent(path, run.file, problem);
    if (is_main) return run.pipeline;
    return pipelines::ReadSource(path);
  };
  if (run.params.is_object()) {
    for (const auto& [key, value] : run.params.items()) {
      options.overrides.emplace_back(
          key, value.is_string() ? value.get<std::string>() : CanonicalJson(value));
    }
  }
  pipelines::LoadedPipeline loaded = pipelines::LoadPipeline(run.file, options);
  if (!loaded.ok()) return std::nullopt;
  return std::move(loaded.pipeline);
}

}  // namespace

Result<HomeSearch> SearchForHome(const std::string& home) {
  HomeSearch search{home, "/"};
  const char* variable = std::getenv("DML_HOME");
  if (search.wanted.empty() && variable != nullptr) search.wanted = variable;
  if (std::filesystem::path(search.wanted).is_absolute()) return search;
  std::error_code problem;
  search.directory = std::filesystem::current_path(problem).string();
  if (problem) {
    return Error::System("cannot tell the working directory", problem.value());
  }
  return search;
}

Result<std::string> HomePath(const std::string& home) {
  DML_TRY(const HomeSearch search, SearchForHome(home));
  return engine::Home::Locate(search.wanted, search.directory);
}

void CorrectOutcome(const std::string& home, state::RunSummary& run) {
  if (run.outcome == state::RunOutcomeName(state::RunOutcome::kRunning) &&
      !engine::OwnerOfRun(home, run.id)) {
    run.outcome = state::RunOutcomeName(state::RunOutcome::kInterrupted);
  }
}

Result<OpenedRun> OpenRun(const std::string& home, const std::string& selector) {
  DML_TRY(const std::string path, HomePath(home));
  DML_TRY(state::RunView view, state::RunView::Open(path));
  DML_TRY(state::RunSummary run, view.Find(selector));
  CorrectOutcome(path, run);
  return OpenedRun{std::move(view), std::move(run)};
}

Result<report::RunFacts> FactsOf(OpenedRun& opened, bool with_panels) {
  const std::optional<pipelines::ExpandedPipeline> pipeline = Reexpand(opened.run);
  return report::CollectRun(opened.view, opened.run, pipeline ? &*pipeline : nullptr, with_panels);
}

Result<state::TaskView> FindTask(const std::vector<state::TaskView>& tasks,
                                 const std::string& name) {
  const state::TaskView* of_step = nullptr;
  std::size_t count = 0;
  std::vector<std::string> names;
  for (const state::TaskView& task : tasks) {
    if (task.name == name) return task;
    if (task.step == name) {
      if (count++ == 0) of_step = &task;
    }
    names.push_back(task.name);
  }
  if (count == 1) return *of_step;
  if (count > 1) {
    return Error::Invalid("the step '" + name + "' has " + std::to_string(count) + " tasks",
                          "name one of them, such as '" + of_step->name + "'");
  }
  const std::string nearest = DidYouMean(name, names);
  return Error::Invalid("this run has no task '" + name + "'",
                        nearest.empty() ? "`dml status` lists the tasks" : nearest);
}

}  // namespace dml::cli
