#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "orchestrator/engine/observer.h"
#include "orchestrator/engine/session.h"
#include "pipelines/task_decl.h"
#include "runners/api/runner.h"

namespace dml::engine {

inline PortSpec TablePort(const std::string& name) {
  PortSpec port;
  port.name = name;
  port.kind = PortKind::kTable;
  return port;
}

// A pipeline made by hand: enough of a task to run.
struct PipelineMaker {
  pipelines::ExpandedPipeline pipeline{"demo", "/demo/p.yaml", "/demo", Json::object(), {}};

  // A native step that writes one table made of its parameters and inputs.
  TaskId Add(const std::string& name, const std::vector<TaskId>& inputs = {},
             Json params = Json::object()) {
    pipelines::TaskDecl task;
    task.name = name;
    task.step = name.substr(0, name.find('@'));
    task.work = pipelines::NativeWork{"fake.step", 1, std::move(params)};
    for (const TaskId input : inputs) task.inputs.push_back({"in", input, "out"});
    task.outputs = {TablePort("out")};
    task.retry.limit = 0;
    task.retry.backoff = Duration::Millis(1);
    task.where = {"p.yaml", 3, 5};
    return pipeline.tasks.push_back(std::move(task));
  }
  pipelines::TaskDecl& operator[](TaskId task) { return pipeline.tasks[task]; }
};

// Executes attempts within Launch(), on the calling thread: what a worker does, without workers.
// A step's output is a file with its parameters, its inputs' digests and nothing else; of one with
// a parameter `unsteady`, also its name and the number of the attempt.
class ImmediateRunner final : public runners::Runner, public runners::RemoteFiles {
 public:
  explicit ImmediateRunner(runners::EventSink& sink) : sink_(sink) {}

  // The exits still to be given by task name, before it succeeds.
  std::map<std::string, std::vector<runners::ExitReason>> failures;
  std::vector<runners::LaunchSpec> launched;
  bool leaves_outputs = true;
  std::set<std::string> hangs;  // until killed
  bool remembers = false;       // every attempt that it is asked for: it is under way
  std::int64_t memory_bytes = 0;
  std::function<void()> on_launch;  // after each batch
  // What nodes have: "n2:a.csv" -> content. And what was asked for.
  std::map<std::string, Result<std::string>> there;
  std::vector<std::string> looks;

  [[nodiscard]] runners::Capacity Total() const override { return {2, memory_bytes}; }

  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override {
    for (runners::LaunchSpec& spec : batch) {
      Execute(spec);
      launched.push_back(std::move(spec));
    }
    if (on_launch) on_launch();
    return {};
  }
  void Kill(runners::AttemptKey key, runners::KillMode) override {
    sink_.Post(runners::AttemptExited{key, runners::ExitKilled{}, {}, {}, {}});
  }
  Result<runners::AttemptStatus> Find(runners::AttemptKey) override {
    if (remembers) return runners::AttemptStatus(runners::AttemptRunning{1});
    return runners::AttemptStatus(runners::AttemptUnknown{});
  }
  [[nodiscard]] runners::RemoteFiles* Files() override { return this; }
  void Look(runners::LookRequest request) override {
    looks.push_back(request.node + ":" + request.pattern);
    const auto found = there.find(looks.back());
    runners::FilesLooked answer{request.node, request.pattern, Error::Invalid("there is none")};
    if (found != there.end() && !found->second.ok()) answer.files = found->second.error();
    if (found != there.end() && found->second.ok()) {
      FileStamp stamp;
      stamp.size = static_cast<std::int64_t>(found->second->size());
      answer.files = std::vector{runners::RemoteFile{request.pattern, "/home/" + request.pattern,
                                                     stamp, Sha256::Of(*found->second)}};
    }
    sink_.PostLooked(std::move(answer));
  }
  void Shutdown() override {}

  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& spec : launched) names.push_back(spec.task_name);
    return names;
  }

 private:
  void Execute(const runners::LaunchSpec& spec) {
    sink_.Post(runners::AttemptStarted{spec.key, 1});
    if (hangs.contains(spec.task_name)) return;
    runners::AttemptExited exit{spec.key, runners::ExitSuccess{}, Json::object(), {}, {}};
    WriteOutputs(spec);
    if (auto& left = failures[spec.task_name]; !left.empty()) {
      exit.reason = left.front();
      left.erase(left.begin());
    } else {
      exit.metrics = {{"inputs", spec.inputs.size()}};
    }
    sink_.Post(std::move(exit));
  }
  void WriteOutputs(const runners::LaunchSpec& spec) const {
    if (!leaves_outputs) return;
    for (const PortSpec& port : spec.outputs) {
      const std::string folder = spec.attempt_dir + "/out/" + port.name;
      EXPECT_TRUE(MakeDirectories(folder).ok());
      std::ofstream file(folder + "/part-0.txt");
      for (const auto& step : std::get<std::vector<runners::NativeStep>>(spec.work)) {
        file << step.params.dump() << "\n";
        if (!step.params.contains("unsteady")) continue;
        file << spec.task_name << "#" << spec.key.attempt.value << "\n";
      }
      for (const Artifact& input : spec.inputs) file << input.digest.Hex() << "\n";
    }
  }

  runners::EventSink& sink_;
};

// Remembers what it was told.
class RecordingObserver final : public RunObserver {
 public:
  std::vector<TaskUpdate> updates;
  RunResult result;
  RunId run;

  void RunStarted(RunId id, const pipelines::ExpandedPipeline&) override { run = id; }
  void TaskChanged(const TaskUpdate& update) override { updates.push_back(update); }
  void TaskProgress(TaskId, double, const std::string&) override {}
  void TaskWarned(TaskId, const std::string&) override {}
  void RunFinished(const RunResult& finished) override { result = finished; }

  // The last reason given for a state of a task.
  [[nodiscard]] std::string Reason(TaskId task, core::TaskState state) const {
    std::string reason = "(never)";
    for (const TaskUpdate& update : updates) {
      if (update.task == task && update.to == state) reason = update.reason;
    }
    return reason;
  }
};

}  // namespace dml::engine
