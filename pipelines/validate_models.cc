#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipelines/validate_context.h"

namespace dml::pipelines {

namespace {

// What is known of the model that each step makes, found by following models from step to step.
class Outlooks {
 public:
  explicit Outlooks(const std::vector<StepDecl>& steps)
      : steps_(steps), known_(steps.size()), marks_(steps.size()) {}

  // Of the models that a step is given, in the order of its inputs.
  std::vector<ModelOutlook> Inputs(std::size_t step) {
    std::vector<ModelOutlook> out;
    for (const std::size_t producer : Producers(step)) out.push_back(Of(producer));
    return out;
  }

  // Without recursion: the chain of steps may be long. A cycle leaves its steps unknown.
  const ModelOutlook& Of(std::size_t wanted) {
    std::vector<std::size_t> stack{wanted};
    while (!stack.empty()) {
      const std::size_t step = stack.back();
      if (marks_[step] == Mark::kNew) {
        marks_[step] = Mark::kOpen;
        for (const std::size_t producer : Producers(step)) {
          if (marks_[producer] == Mark::kNew) stack.push_back(producer);
        }
        continue;
      }
      if (std::exchange(marks_[step], Mark::kDone) == Mark::kOpen) known_[step] = Forecast(step);
      stack.pop_back();
    }
    return known_[wanted];
  }

 private:
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };

  [[nodiscard]] const NativeDecl* Native(std::size_t step) const {
    const auto* native = std::get_if<NativeDecl>(&steps_[step].work);
    return native == nullptr || native->spec == nullptr ? nullptr : native;
  }

  [[nodiscard]] std::vector<std::size_t> Producers(std::size_t step) const {
    std::vector<std::size_t> out;
    const NativeDecl* native = Native(step);
    if (native == nullptr) return out;
    for (const InputDecl& input : steps_[step].inputs) {
      const auto port = std::ranges::find(native->spec->inputs, input.port, &PortSpec::name);
      if (port == native->spec->inputs.end() || port->kind != PortKind::kModel) continue;
      for (const ProducerDecl& producer : input.producers) out.push_back(producer.step);
    }
    return out;
  }

  [[nodiscard]] ModelOutlook Forecast(std::size_t step) const {
    const NativeDecl* native = Native(step);
    if (native == nullptr || !native->spec->forecast) return {};
    std::vector<ModelOutlook> models;
    for (const std::size_t producer : Producers(step)) models.push_back(known_[producer]);
    return native->spec->forecast(WithNulls(native->params), models);
  }

  static Json WithNulls(const BoundParams& params) {
    Json out = params.value;
    for (const std::string& pointer : OpenPointers(params)) out[Json::json_pointer(pointer)] = {};
    return out;
  }

  const std::vector<StepDecl>& steps_;
  std::vector<ModelOutlook> known_;
  std::vector<Mark> marks_;
};

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
                Outlooks& outlooks) {
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

void CheckModels(ValidateContext& context) {
  const std::vector<StepDecl>& steps = context.pipeline.steps;
  Outlooks outlooks(steps);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto* native = std::get_if<NativeDecl>(&steps[i].work);
    if (native == nullptr || native->spec == nullptr) continue;
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
