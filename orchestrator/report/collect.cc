#include "orchestrator/report/collect.h"

#include <algorithm>
#include <unordered_map>

#include "base/files.h"
#include "orchestrator/core/fingerprint.h"

namespace dml::report {

namespace {

std::string Outcome(const state::AttemptView& attempt) {
  switch (attempt.ended_as) {
    case core::TaskState::kSucceeded:
      return "succeeded";
    case core::TaskState::kFailed:
    case core::TaskState::kBackoff:
      return "failed";
    case core::TaskState::kCancelled:
      return "cancelled";
    case core::TaskState::kBlocked:
    case core::TaskState::kReady:
    case core::TaskState::kReused:
    case core::TaskState::kSkipped:
      return "lost";
    case core::TaskState::kLaunching:
    case core::TaskState::kRunning:
    case core::TaskState::kCommitting:
      return "running";
  }
  return "running";
}

Json UnreadablePanel(const std::string& why) {
  return {{"type", "notes"}, {"title", "Plots"}, {"level", "warning"}, {"notes", {why}}};
}

void AddPanels(const state::TaskResult& result, TaskFacts& task) {
  for (const Artifact& output : result.outputs) {
    for (const ArtifactFile& file : output.files) {
      if (file.name != "panels.json") continue;
      const Result<std::string> text = ReadFile(file.path);
      if (!text.ok()) {
        task.panels.push_back(UnreadablePanel(text.error().message));
        continue;
      }
      const Json content = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
      if (!content.is_object() || !content.contains("panels") || !content["panels"].is_array()) {
        task.panels.push_back(UnreadablePanel("the panels of this task are malformed"));
        continue;
      }
      for (const Json& panel : content["panels"]) task.panels.push_back(panel);
    }
  }
}

// The key of a result tells its type; a fused task has that of its last step.
std::string TypeOfResult(const state::TaskResult& result) {
  const Json fields = core::ParseKeyFields(result.fields);
  const Json work = fields.value("work", Json::array());
  if (!work.is_array() || work.empty() || !work.back().is_object()) return {};
  return work.back().value("uses", "run");
}

TaskFacts FactsOf(const state::TaskView& view, bool with_panels) {
  TaskFacts task;
  task.name = view.name;
  task.step = view.step;
  task.state = core::TaskStateName(view.state);
  task.reason = view.reason;
  for (const state::AttemptView& attempt : view.attempts) {
    task.attempts.push_back({attempt.number.value, attempt.launched,
                             attempt.ended.value_or(WallTime{}), Outcome(attempt)});
  }
  if (view.state == core::TaskState::kFailed) task.error = view.reason;
  if (!view.result) return task;
  task.type = TypeOfResult(*view.result);
  task.metrics = view.result->metrics;
  task.warnings = view.result->warnings;
  task.cpu_seconds = view.result->cpu.seconds();
  task.memory_bytes_max = view.result->memory_bytes;
  if (with_panels) AddPanels(*view.result, task);
  return task;
}

void AddEdges(const pipelines::ExpandedPipeline& pipeline, RunFacts& run) {
  std::unordered_map<std::string, std::size_t> position;
  for (std::size_t t = 0; t < run.tasks.size(); ++t) position[run.tasks[t].name] = t;
  const auto add = [&](std::vector<std::size_t>& out, TaskId producer) {
    const auto found = position.find(pipeline.tasks[producer].name);
    if (found != position.end()) out.push_back(found->second);
  };
  for (const pipelines::TaskDecl& decl : pipeline.tasks) {
    const auto found = position.find(decl.name);
    if (found == position.end()) continue;
    TaskFacts& task = run.tasks[found->second];
    task.type = TypeOf(decl);
    for (const pipelines::InputEdge& edge : decl.inputs) add(task.inputs, edge.producer);
    task.producers = task.inputs;
    for (TaskId need : decl.needs) add(task.producers, need);
    for (const pipelines::MetricReference& reference : decl.metric_references) {
      add(task.producers, reference.task);
    }
    std::sort(task.producers.begin(), task.producers.end());
    task.producers.erase(std::unique(task.producers.begin(), task.producers.end()),
                         task.producers.end());
  }
}

}  // namespace

std::string TypeOf(const pipelines::TaskDecl& task) {
  const auto* native = std::get_if<pipelines::NativeWork>(&task.work);
  return native == nullptr ? "run" : native->uses;
}

void CountUntil(WallTime now, RunFacts& run) {
  if (run.state != state::RunOutcomeName(state::RunOutcome::kRunning)) return;
  for (TaskFacts& task : run.tasks) {
    for (AttemptFacts& attempt : task.attempts) {
      if (attempt.ended.us == 0) attempt.ended = std::max(attempt.started, now);
    }
  }
}

Result<RunFacts> CollectRun(state::RunView& view, const state::RunSummary& run,
                            const pipelines::ExpandedPipeline* pipeline, bool with_panels) {
  RunFacts facts;
  facts.id = "r" + std::to_string(run.id.value);
  facts.pipeline = run.name;
  facts.file = run.file;
  facts.state = run.outcome;
  facts.started = run.started;
  facts.ended = run.finished.value_or(WallTime{});
  facts.params = run.params;
  facts.pipeline_text = run.pipeline;
  DML_TRY(const std::vector<state::TaskView> tasks, view.Tasks(run.id));
  facts.tasks.reserve(tasks.size());
  for (const state::TaskView& task : tasks) facts.tasks.push_back(FactsOf(task, with_panels));
  if (pipeline != nullptr) AddEdges(*pipeline, facts);
  return facts;
}

}  // namespace dml::report
