#include "pipelines/validate/model_outlooks.h"

#include <algorithm>
#include <utility>

#include "pipelines/params/check.h"

namespace dml::pipelines {

const NativeDecl* NativeOf(const StepDecl& step) {
  const auto* native = std::get_if<NativeDecl>(&step.work);
  return native == nullptr || native->spec == nullptr ? nullptr : native;
}

Json WithNulls(const BoundParams& params) {
  Json out = params.value;
  for (const std::string& pointer : OpenPointers(params)) out[Json::json_pointer(pointer)] = {};
  return out;
}

std::vector<ModelOutlook> ModelOutlooks::Inputs(std::size_t step) {
  std::vector<ModelOutlook> out;
  for (const std::size_t producer : Producers(step)) out.push_back(Of(producer));
  return out;
}

// Without recursion: the chain of steps may be long. A cycle leaves its steps unknown.
const ModelOutlook& ModelOutlooks::Of(std::size_t wanted) {
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

std::vector<std::size_t> ModelOutlooks::Producers(std::size_t step) const {
  std::vector<std::size_t> out;
  const NativeDecl* native = NativeOf(steps_[step]);
  if (native == nullptr) return out;
  for (const InputDecl& input : steps_[step].inputs) {
    const auto port = std::ranges::find(native->spec->inputs, input.port, &PortSpec::name);
    if (port == native->spec->inputs.end() || port->kind != PortKind::kModel) continue;
    for (const ProducerDecl& producer : input.producers) out.push_back(producer.step);
  }
  return out;
}

ModelOutlook ModelOutlooks::Forecast(std::size_t step) const {
  const NativeDecl* native = NativeOf(steps_[step]);
  if (native == nullptr || !native->spec->forecast) return {};
  std::vector<ModelOutlook> models;
  for (const std::size_t producer : Producers(step)) models.push_back(known_[producer]);
  return native->spec->forecast(WithNulls(native->params), models);
}

}  // namespace dml::pipelines
