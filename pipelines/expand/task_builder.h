#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipelines/expand/expand.h"
#include "pipelines/expand/pairing.h"

namespace dml::pipelines {

// Makes the tasks of one step. What they have in common is made once and copied. Internal to
// Expand.
class TaskBuilder {
 public:
  TaskBuilder(const Pipeline& pipeline, const std::vector<StepTasks>& tasks,
              const StepCatalog& catalog, const Resolver& resolver, std::size_t step);

  // The task of combination `index`.
  TaskDecl Build(std::size_t index);

 private:
  const Pairing& PairingWith(std::size_t producer);
  void FillParams(TaskDecl& task);
  void FillNode(TaskDecl& task);
  void FillCommand(TaskDecl& task);
  void FillEnv(TaskDecl& task);
  void FillSettings(TaskDecl& task);
  void FillCondition(TaskDecl& task);
  void FillInputs(TaskDecl& task, const Bindings& bindings);
  void AddRuntime(TaskDecl& task, const RuntimeHole& hole);
  void AddMetrics(TaskDecl& task, const std::vector<Reference>& references, const Place& place);
  // The text of a scalar for argv or env; what must wait is noted in the task.
  std::string FillText(TaskDecl& task, const Node& node, const std::string& pointer);
  void ReportPairing(const InputDecl& input, const ProducerDecl& producer, std::size_t found,
                     const std::string& name);

  const Pipeline& pipeline_;
  const std::vector<StepTasks>& tasks_;
  const StepCatalog& catalog_;
  const Resolver& resolver_;
  const StepDecl& step_;
  const StepTasks& own_;
  Scope scope_;
  TaskDecl prototype_;
  std::vector<std::string> argv_pointers_;  // where a text goes, as DeferredValue::pointer
  std::vector<std::string> env_pointers_;
  std::map<std::size_t, Pairing> pairings_;  // by producer step
  std::map<const ParamSpec*, std::shared_ptr<const ParamSpec>> shared_specs_;
  std::size_t checked_ = 0;  // tasks whose parameters were judged
  bool pairing_reported_ = false;
  bool nodeless_reported_ = false;
};

}  // namespace dml::pipelines
