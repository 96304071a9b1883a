#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipelines/validate/context.h"
#include "pipelines/validate/model_outlooks.h"

namespace dml::pipelines {

namespace {

// The step type of the same family that takes such models: evaluate.regression.
std::string Sibling(const StepCatalog& catalog, const StepSpec& spec, const std::string& port,
                    const std::string& task) {
  const std::string family = spec.name.substr(0, spec.name.find('.') + 1);
  for (const StepSpec& other : catalog.steps) {
    if (!other.name.starts_with(family)) continue;
    const auto same = std::ranges::find(other.inputs, port, &PortSpec::name);
    if (same != other.inputs.end() && same->model_task == task) return "use " + other.name;
  }
  return {};
}

void CheckTasks(ValidateContext& context, const StepDecl& step, const StepSpec& spec,
                ModelOutlooks& outlooks) {
  for (const InputDecl& input : step.inputs) {
    const auto port = std::ranges::find(spec.inputs, input.port, &PortSpec::name);
    if (port == spec.inputs.end() || port->model_task.empty()) continue;
    for (const ProducerDecl& producer : input.producers) {
      const std::string& task = outlooks.Of(producer.step).task;
      if (task.empty() || task == port->model_task) continue;
      context.diagnostics.Add(
          producer.place,
          fmt::format("input '{}' of step '{}' takes a model for {}, but '{}' makes one for {}",
                      port->name, step.id, port->model_task,
                      context.pipeline.steps[producer.step].id, task),
          Sibling(context.catalog, spec, port->name, task));
    }
  }
}

}  // namespace

void CheckModels(ValidateContext& context, ModelOutlooks& outlooks) {
  const std::vector<StepDecl>& steps = context.pipeline.steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const NativeDecl* native = NativeOf(steps[i]);
    if (native == nullptr) continue;
    CheckTasks(context, steps[i], *native->spec, outlooks);
    if (!native->spec->check_models) continue;
    // Which metric is compared can be known only with all of the parameters.
    if (!native->params.holes.empty() || !native->params.runtime.empty()) continue;
    for (ParamProblem& problem :
         native->spec->check_models(native->params.value, outlooks.Inputs(i))) {
      context.diagnostics.Add(PlaceOf(problem, native->written), std::move(problem.message),
                              std::move(problem.hint));
    }
  }
}

}  // namespace dml::pipelines
