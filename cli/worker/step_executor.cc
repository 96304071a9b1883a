#include "cli/worker/step_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>

#include "base/check.h"
#include "base/quantity.h"
#include "plugins/learn/model_file.h"
#include "plugins/table/table.h"

namespace dml::cli {

namespace fs = std::filesystem;

namespace {

class Monitor final : public plugins::StepMonitor {
 public:
  // A chain of `count` steps reports one fraction: each step is an equal share of it.
  Monitor(runners::TaskMonitor& monitor, std::size_t position, std::size_t count)
      : monitor_(monitor), position_(position), count_(count) {}

  void Progress(double fraction, const std::string& note) override {
    const double share = (static_cast<double>(position_) + fraction) / static_cast<double>(count_);
    monitor_.Progress(share, note);
  }
  void Log(const std::string& line) override { monitor_.Log(line); }

 private:
  runners::TaskMonitor& monitor_;
  const std::size_t position_;
  const std::size_t count_;
};

// The files in `folder`. Digests are not needed: nobody keeps them by these names.
Result<std::vector<ArtifactFile>> FilesIn(const std::string& folder) {
  std::vector<ArtifactFile> files;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    ArtifactFile file;
    file.name = entry.path().filename().string();
    file.path = entry.path().string();
    file.size = static_cast<std::int64_t>(entry.file_size(problem));
    files.push_back(std::move(file));
  }
  if (problem) return Error::System("cannot read '" + folder + "'", problem.value());
  std::sort(files.begin(), files.end(),
            [](const ArtifactFile& a, const ArtifactFile& b) { return a.name < b.name; });
  return files;
}

// What a step left in `root`/<port>/, as the inputs of the next one.
Result<std::vector<Artifact>> Intermediate(const std::string& root, const StepSpec& from,
                                           const StepSpec& to) {
  DML_CHECK(!from.outputs.empty() && !to.inputs.empty(), "steps of a chain have a port each");
  const PortSpec& output = from.outputs.front();
  Artifact artifact;
  artifact.port = to.inputs.front().name;
  artifact.kind = output.kind;
  DML_TRY(artifact.files, FilesIn(root + "/" + output.name));
  return std::vector<Artifact>{std::move(artifact)};
}

Result<void> CheckKind(PortKind kind, const std::vector<ArtifactFile>& files) {
  if (kind == PortKind::kTable) {
    DML_TRY(const table::Table table, table::Table::Open(files));
    return {};
  }
  if (files.size() != 1) return Error::Task("a model is one file");
  DML_TRY([[maybe_unused]] const learn::LoadedModel model,
          learn::ReadModelFile(files.front().path));
  return {};
}

// Steps return errors; what libraries throw past them ends here, as the failure of one attempt.
Result<void> RunGuarded(const plugins::Step& step, plugins::StepContext& context) {
  try {
    return step.Run(context);
  } catch (const std::bad_alloc&) {
    throw;  // not a failure like others: the next attempt may get more
  } catch (const std::exception& problem) {
    return Error::Task(std::string("unexpected failure: ") + problem.what());
  }
}

Duration CheckpointInterval() {
  const char* wanted = std::getenv("DML_CHECKPOINT_INTERVAL");
  const auto interval = ParseDuration(wanted == nullptr ? "" : wanted);
  return interval.ok() ? *interval : plugins::StepContext().checkpoint_interval;
}

}  // namespace

Result<runners::TaskOutcome> StepExecutor::Execute(const runners::LaunchSpec& spec,
                                                   runners::TaskMonitor& monitor,
                                                   std::stop_token stop) {
  const auto* steps = std::get_if<std::vector<runners::NativeStep>>(&spec.work);
  if (steps == nullptr || steps->empty()) {
    return Error::Task("a worker got a task without native steps");
  }
  const std::string scratch = spec.attempt_dir + "/scratch";
  runners::TaskOutcome outcome;
  std::vector<Artifact> inputs = spec.inputs;
  for (std::size_t i = 0; i < steps->size(); ++i) {
    const bool last = i + 1 == steps->size();
    DML_TRY(const std::unique_ptr<plugins::Step> step,
            registry_.Make((*steps)[i].uses, (*steps)[i].params));
    Monitor step_monitor(monitor, i, steps->size());
    plugins::StepContext context;
    context.inputs = std::move(inputs);
    context.output_root = last ? spec.attempt_dir + "/out" : scratch + "/step" + std::to_string(i);
    context.scratch_dir = scratch;
    if (!spec.checkpoint_dir.empty()) {
      context.checkpoint_dir = spec.checkpoint_dir + "/step" + std::to_string(i);
    }
    context.checkpoint_interval = CheckpointInterval();
    context.threads = spec.threads;
    context.memory_bytes = spec.memory_bytes > 0 ? spec.memory_bytes : memory_bytes_;
    context.monitor = &step_monitor;
    context.stop = stop;
    DML_RETURN_IF_ERROR(RunGuarded(*step, context));
    outcome.metrics.update(context.metrics);
    outcome.warnings.insert(outcome.warnings.end(), context.warnings.begin(),
                            context.warnings.end());
    if (last) break;
    const StepSpec* from = registry_.catalog().FindStep((*steps)[i].uses);
    const StepSpec* to = registry_.catalog().FindStep((*steps)[i + 1].uses);
    if (to == nullptr) return Error::Invalid("unknown step type '" + (*steps)[i + 1].uses + "'");
    DML_TRY(inputs, Intermediate(context.output_root, *from, *to));
  }
  std::error_code ignored;
  if (fs::exists(scratch, ignored)) fs::remove_all(scratch, ignored);
  return outcome;
}

Result<void> StepExecutor::CheckOutputs(const runners::LaunchSpec& spec) {
  for (const PortSpec& port : spec.outputs) {
    if (port.kind == PortKind::kFile) continue;
    const bool is_table = port.kind == PortKind::kTable;
    DML_TRY(const std::vector<ArtifactFile> files, FilesIn(spec.attempt_dir + "/out/" + port.name));
    const auto checked = CheckKind(port.kind, files);
    if (checked.ok()) continue;
    return Error::Task(fmt::format("the output '{}' is no {}: {}", port.name,
                                   is_table ? "table" : "model", checked.error().message),
                       is_table ? "a table is a folder of partition files and table.json, as "
                                  "docs/formats.md describes; anything else has kind: file"
                                : "a model is a file that a train step has written");
  }
  return {};
}

}  // namespace dml::cli
