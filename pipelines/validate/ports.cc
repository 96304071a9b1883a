#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/suggest.h"
#include "pipelines/validate/context.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

std::string_view KindName(PortKind kind) {
  switch (kind) {
    case PortKind::kTable:
      return "table";
    case PortKind::kModel:
      return "model";
    case PortKind::kFile:
      return "file";
  }
  return "";
}

std::vector<std::string> PortNames(const std::vector<PortSpec>& ports) {
  std::vector<std::string> names;
  for (const PortSpec& port : ports) names.push_back(port.name);
  return names;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

constexpr std::string_view kWrittenOut =
    "names of steps are written out: ${...} is not replaced in input: and needs:";

// Of a text that cannot be the name of a step: a reference, or a task of a step.
std::string HintForNoStep(const ValidateContext& context, std::string_view text) {
  if (text.find("${") != std::string_view::npos) return std::string(kWrittenOut);
  const std::size_t end = text.find_first_of("@[");
  if (end == std::string_view::npos) return {};
  const std::string_view step = text.substr(0, end);
  if (std::ranges::find(context.pipeline.steps, step, &StepDecl::id) ==
      context.pipeline.steps.end()) {
    return {};
  }
  return fmt::format(
      "name the step, '{}': a step with the same matrix gets the task of equal values, and "
      "select.best chooses one",
      step);
}

void ReportUnknownProducer(ValidateContext& context, const Node& node, std::string_view name) {
  std::vector<std::string> names;
  if (context.diagnostics.wants_suggestions()) {
    for (const StepDecl& step : context.pipeline.steps) names.push_back(step.id);
  }
  const std::string_view whole = node.is_scalar() ? std::string_view(node.text) : name;
  std::string hint = HintForNoStep(context, whole);
  if (!hint.empty()) name = whole;
  if (hint.empty()) hint = DidYouMean(name, names);
  context.diagnostics.Add(node.place, fmt::format("there is no step '{}'", name), std::move(hint));
}

// "split.train" -> step and output; reports what does not exist.
std::optional<ProducerDecl> ReadProducer(ValidateContext& context, const StepDecl& consumer,
                                         const Node& node) {
  if (!node.is_scalar() || node.text.empty()) {
    context.diagnostics.Add(
        node.place, fmt::format("expected the name of a step, found {}", DescribeNode(node)),
        "write STEP or STEP.OUTPUT");
    return std::nullopt;
  }
  const StepNames& steps = context.pipeline.step_names;
  const std::string& prefix = context.pipeline.files[consumer.file].prefix;
  const std::string_view text = node.text;
  std::string_view output;
  std::string id = FindStepId(steps, prefix, text);
  const std::size_t dot = text.rfind('.');
  if (id.empty() && dot != std::string_view::npos) {
    id = FindStepId(steps, prefix, text.substr(0, dot));
    output = text.substr(dot + 1);
  }
  if (id.empty()) {
    ReportUnknownProducer(context, node, text.substr(0, dot));
    return std::nullopt;
  }
  ProducerDecl out{steps.at(id), std::string(output), node.place};
  const StepDecl& producer = context.pipeline.steps[out.step];
  const auto* native = std::get_if<NativeDecl>(&producer.work);
  if (native != nullptr && native->spec == nullptr) return std::nullopt;  // reported already
  if (out.output.empty() && !producer.outputs.empty()) out.output = producer.outputs[0].name;
  if (std::ranges::find(producer.outputs, out.output, &PortSpec::name) != producer.outputs.end()) {
    return out;
  }
  const std::vector<std::string> names = PortNames(producer.outputs);
  std::string hint = out.output.find("${") == std::string::npos ? DidYouMean(out.output, names)
                                                                : std::string(kWrittenOut);
  if (hint.empty()) {
    hint = names.empty() ? "use needs: to wait for it" : "its outputs are " + Joined(names);
  }
  const std::string message = names.empty()
                                  ? fmt::format("step '{}' has no outputs", id)
                                  : fmt::format("step '{}' has no output '{}'", id, out.output);
  context.diagnostics.Add(node.place, message, std::move(hint));
  return std::nullopt;
}

bool CheckKind(ValidateContext& context, const StepDecl& consumer, const PortSpec& port,
               const ProducerDecl& producer) {
  const StepDecl& source = context.pipeline.steps[producer.step];
  const auto given = std::ranges::find(source.outputs, producer.output, &PortSpec::name);
  if (given->kind == port.kind) return true;
  std::string hint;
  for (const PortSpec& other : source.outputs) {
    if (other.kind == port.kind) hint = fmt::format("use {}.{}", source.id, other.name);
  }
  context.diagnostics.Add(
      producer.place,
      fmt::format("input '{}' of step '{}' takes a {}, but '{}.{}' is a {}", port.name, consumer.id,
                  KindName(port.kind), source.id, producer.output, KindName(given->kind)),
      std::move(hint));
  return false;
}

// The producers of one port, given as one name or a list.
void ReadPort(ValidateContext& context, StepDecl& step, const PortSpec& port, bool any_kind,
              const Node& node) {
  InputDecl input{port.name, port.many, {}};
  const std::span<const Node> each =
      node.is_sequence() ? std::span(node.items) : std::span(&node, 1);
  if (each.size() != 1 && !port.many) {
    context.diagnostics.Add(node.place, fmt::format("input '{}' takes one {}, found {}", port.name,
                                                    KindName(port.kind), each.size()));
    return;
  }
  for (const Node& name : each) {
    auto producer = ReadProducer(context, step, name);
    if (!producer) continue;
    if (!any_kind && !CheckKind(context, step, port, *producer)) continue;
    input.producers.push_back(std::move(*producer));
  }
  step.inputs.push_back(std::move(input));
}

void ReadCommandInputs(ValidateContext& context, StepDecl& step, const Node& node) {
  PortSpec port;
  port.name = "input";
  port.many = true;
  if (!node.is_mapping()) return ReadPort(context, step, port, /*any_kind=*/true, node);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    port.name = node.keys[i].text;
    ReadPort(context, step, port, /*any_kind=*/true, node.items[i]);
  }
}

void ReadNativeInputs(ValidateContext& context, StepDecl& step, const StepSpec& spec,
                      const Node& node) {
  if (spec.inputs.empty()) {
    context.diagnostics.Add(node.place, fmt::format("step type '{}' takes no input", spec.name),
                            "use needs: if it must wait for another step");
    return;
  }
  if (!node.is_mapping()) {
    return ReadPort(context, step, spec.inputs[0], /*any_kind=*/false, node);
  }
  if (spec.inputs[0].named) {
    PortSpec port = spec.inputs[0];
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      port.name = node.keys[i].text;
      ReadPort(context, step, port, /*any_kind=*/false, node.items[i]);
    }
    return;
  }
  for (const PortSpec& port : spec.inputs) {
    const Node* given = node.Find(port.name);
    if (given != nullptr) ReadPort(context, step, port, /*any_kind=*/false, *given);
  }
  const std::vector<std::string> names = PortNames(spec.inputs);
  for (const Node::Key& key : node.keys) {
    if (std::ranges::find(names, key.text) != names.end()) continue;
    std::string hint = DidYouMean(key.text, names);
    if (hint.empty()) hint = "its inputs are " + Joined(names);
    context.diagnostics.Add(key.place,
                            fmt::format("step type '{}' has no input '{}'", spec.name, key.text),
                            std::move(hint));
  }
}

void CheckRequired(ValidateContext& context, const StepSpec& spec, const Node& node) {
  const Node* input = node.Find("input");
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    const PortSpec& port = spec.inputs[i];
    const bool named = input != nullptr && input->is_mapping() &&
                       (port.named ? !input->keys.empty() : input->Find(port.name) != nullptr);
    const bool bare = i == 0 && input != nullptr && !input->is_mapping();
    if (!port.required || named || bare) continue;
    const bool first_only = i == 0 && spec.inputs.size() == 1;
    context.diagnostics.Add(
        node.Find("uses")->place,
        fmt::format("step type '{}' needs the input '{}', a {}", spec.name, port.name,
                    KindName(port.kind)),
        first_only ? "add input: STEP" : fmt::format("add input: {{{}: STEP, ...}}", port.name));
  }
}

}  // namespace

void ValidateInputs(ValidateContext& context, std::size_t position) {
  StepDecl& step = context.pipeline.steps[position];
  const Node& node = *context.step_nodes[position];
  const Node* input = node.Find("input");
  const auto* native = std::get_if<NativeDecl>(&step.work);
  if (native == nullptr) {
    if (input != nullptr) ReadCommandInputs(context, step, *input);
    return;
  }
  if (native->spec == nullptr) return;
  if (input != nullptr) ReadNativeInputs(context, step, *native->spec, *input);
  // A misspelt "input" is reported as an unknown key, and `inputs` as one of commands; the missing
  // input is the same mistake.
  const bool misspelt =
      input == nullptr && std::ranges::any_of(node.keys, [](const Node::Key& key) {
        static const std::vector<std::string> input_key{"input"};
        return key.text != "input" && !Nearest(key.text, input_key).empty();
      });
  if (!misspelt) CheckRequired(context, *native->spec, node);
}

void ValidateNeeds(ValidateContext& context, std::size_t position) {
  StepDecl& step = context.pipeline.steps[position];
  const Node* needs = context.step_nodes[position]->Find("needs");
  if (needs == nullptr) return;
  const std::string& prefix = context.pipeline.files[step.file].prefix;
  const std::span<const Node> each =
      needs->is_sequence() ? std::span(needs->items) : std::span(needs, 1);
  for (const Node& name : each) {
    const std::string id =
        name.is_scalar() ? FindStepId(context.pipeline.step_names, prefix, name.text) : "";
    if (id.empty()) {
      ReportUnknownProducer(context, name, name.is_scalar() ? name.text : DescribeNode(name));
    } else {
      step.needs.push_back({context.pipeline.step_names.at(id), {}, name.place});
    }
  }
}

}  // namespace dml::pipelines
