#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"
#include "pipelines/expand/combinations.h"
#include "pipelines/expand/settings.h"
#include "pipelines/params/familiar_steps.h"
#include "pipelines/validate/context.h"
#include "pipelines/yaml/scalar.h"
#include "pipelines/yaml/text_place.h"

namespace dml::pipelines {

namespace {

constexpr std::array<std::string_view, 18> kStepKeys{
    "id",      "name",  "uses",    "run", "with",  "input",   "needs",  "if",   "matrix",
    "foreach", "retry", "timeout", "env", "cache", "outputs", "inputs", "code", "resources"};
constexpr std::array<std::string_view, 4> kSettingKeys{"retry", "timeout", "resources", "cache"};

Scope ScopeOf(const ValidateContext& context, const StepDecl& step) {
  const FileDecl& file = context.pipeline.files[step.file];
  Scope scope;
  scope.params = &file.params;
  scope.prefix = file.prefix;
  return scope;
}

// "split.random" -> "those of split are split.train_test, split.kfold".
std::string KnownOfFamily(const std::string& name, const std::vector<std::string>& names) {
  const std::string family = name.substr(0, name.find('.') + 1);
  std::string members;
  for (const std::string& known : names) {
    if (family.empty() || !known.starts_with(family)) continue;
    members += (members.empty() ? "" : ", ") + known;
  }
  if (members.empty()) return members;
  return fmt::format("those of {} are {}", family.substr(0, family.size() - 1), members);
}

void ReportUnknownStep(ValidateContext& context, const Node& uses) {
  std::vector<std::string> names;
  if (context.diagnostics.wants_suggestions()) {
    for (const StepSpec& spec : context.catalog.steps) names.push_back(spec.name);
  }
  std::string hint = HintForFamiliarStep(uses.text, names);
  if (hint.empty()) hint = DidYouMean(uses.text, names);
  if (hint.empty()) hint = KnownOfFamily(uses.text, names);
  if (hint.empty()) hint = "'dml steps' lists the step types";
  context.diagnostics.Add(uses.place, fmt::format("unknown step type '{}'", uses.text),
                          std::move(hint));
}

bool IsRelativeInside(std::string_view path) {
  return !path.empty() && !path.starts_with('/') && path != ".." && !path.starts_with("../") &&
         path.find("/../") == std::string_view::npos && !path.ends_with("/..");
}

std::optional<std::string> ReadWorkPath(ValidateContext& context, const Node& node,
                                        const Scope& scope, const std::string& what) {
  const Resolved resolved = context.resolver.Resolve(node, scope);
  if (resolved.state == Resolved::State::kFailed) return std::nullopt;
  const bool known = resolved.state == Resolved::State::kKnown;
  if (known && resolved.value().is_scalar() && IsRelativeInside(resolved.value().text)) {
    return resolved.value().text;
  }
  context.diagnostics.Add(node.place,
                          fmt::format("{} must be a path inside the step's own folder, "
                                      "found {}",
                                      what, DescribeNode(node)),
                          "write a relative path without '..'");
  return std::nullopt;
}

PortSpec ReadOutputPort(ValidateContext& context, const std::string& name, const Node& node,
                        const Node*& path) {
  static constexpr std::array<std::string_view, 2> kKeys{"path", "kind"};
  PortSpec port;
  port.name = name;
  port.kind = PortKind::kFile;
  path = &node;
  if (!node.is_mapping()) return port;
  CheckKeys(node, kKeys, "an output", /*extensions=*/false, context.diagnostics);
  path = node.Find("path");
  const Node* kind = node.Find("kind");
  if (kind == nullptr || kind->text == "file") return port;
  if (kind->text == "table") {
    port.kind = PortKind::kTable;
  } else if (kind->text == "model") {
    port.kind = PortKind::kModel;
  } else {
    context.diagnostics.Add(kind->place, fmt::format("'kind' must be one of table, model, file, "
                                                     "found {}",
                                                     DescribeNode(*kind)));
  }
  return port;
}

void DeclareOutputs(ValidateContext& context, StepDecl& step, CommandDecl& command,
                    const Node& outputs) {
  if (!outputs.is_mapping()) {
    context.diagnostics.Add(
        outputs.place, fmt::format("'outputs' must be a mapping, found {}", DescribeNode(outputs)),
        "give each a name: outputs: {log: log.txt}");
    return;
  }
  for (std::size_t i = 0; i < outputs.keys.size(); ++i) {
    const std::string& name = outputs.keys[i].text;
    const Node* path = nullptr;
    PortSpec port = ReadOutputPort(context, name, outputs.items[i], path);
    if (path == nullptr) {
      context.diagnostics.Add(outputs.items[i].place, "an output needs a 'path'");
      continue;
    }
    auto text =
        ReadWorkPath(context, *path, ScopeOf(context, step), fmt::format("output '{}'", name));
    if (!text) continue;
    command.outputs.emplace(name, std::move(*text));
    step.outputs.push_back(std::move(port));
  }
}

void DeclareCommand(ValidateContext& context, StepDecl& step, const Node& node, const Node& run) {
  CommandDecl command;
  if (run.is_sequence() && !run.items.empty()) {
    command.argv = run.items;
    for (const Node& item : run.items) {
      if (item.is_scalar()) continue;
      context.diagnostics.Add(
          item.place,
          fmt::format("an argument of 'run' must be text, found {}", DescribeNode(item)),
          "put quotes around it");
    }
  } else if (run.is_scalar() && !run.text.empty()) {
    command.argv.push_back(run);
    command.shell = true;
  } else {
    context.diagnostics.Add(run.place,
                            fmt::format("'run' must be a command, found {}", DescribeNode(run)),
                            "write a list of arguments, or one text for the shell");
  }
  if (const Node* outputs = node.Find("outputs")) DeclareOutputs(context, step, command, *outputs);
  step.work = std::move(command);
}

void RejectKeys(ValidateContext& context, const Node& node,
                std::initializer_list<std::string_view> keys, std::string_view other) {
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (std::ranges::find(keys, node.keys[i].text) == keys.end()) continue;
    const bool is_data = node.keys[i].text == "inputs" && node.Find("input") == nullptr;
    context.diagnostics.Add(
        node.keys[i].place,
        fmt::format("'{}' has a meaning only with '{}'", node.keys[i].text, other),
        is_data ? "the data that a step reads is its input: STEP" : "");
  }
}

void BindNative(ValidateContext& context, StepDecl& step, const Node& node, const Scope& scope) {
  auto& native = std::get<NativeDecl>(step.work);
  RejectKeys(context, node, {"outputs", "inputs", "code"}, "run");
  if (native.spec == nullptr) return;
  native.written = {node.Find("with"), node.Find("uses")->place, {}};
  ParamBinder binder(context.catalog, context.resolver, scope);
  Json value = binder.BindAll(native.spec->params, native.written.with,
                              fmt::format("step type '{}'", native.spec->name),
                              native.written.place, Json::json_pointer());
  native.params = binder.Take(std::move(value));
  native.written.refused = native.params.refused;
  CheckParams(*native.spec, context.catalog, native.params.value, OpenPointers(native.params),
              native.written, context.diagnostics);
}

void CollectMetrics(ValidateContext& context, StepDecl& step, const std::vector<Reference>& left,
                    const Node& node) {
  for (const Reference& reference : left) {
    if (reference.root != ReferenceRoot::kSteps) continue;
    step.metrics.push_back({context.pipeline.step_names.at(reference.step), reference.path, &node,
                            reference.offset, reference.length});
  }
}

// Checks the references of a text that is kept for later.
void CheckText(ValidateContext& context, StepDecl& step, const Node& node, const Scope& scope) {
  const Resolved resolved = context.resolver.Resolve(node, scope, ResolveMode::kByReference);
  CollectMetrics(context, step, resolved.left, node);
  if (resolved.state == Resolved::State::kKnown && !resolved.value().is_scalar() &&
      !resolved.value().is_null()) {
    context.diagnostics.Add(node.place,
                            fmt::format("expected text, found {}", DescribeNode(resolved.value())));
  }
}

void ReadCode(ValidateContext& context, CommandDecl& command, const Node& code,
              const Scope& scope) {
  ParamSpec spec;
  spec.name = "code";
  spec.type = ParamType::kPath;
  ParamBinder binder(context.catalog, context.resolver, scope);
  const std::span<const Node> each =
      code.is_sequence() ? std::span(code.items) : std::span(&code, 1);
  for (const Node& item : each) binder.Bind(spec, item, Json::json_pointer("/code"));
  command.code = std::move(binder.pending().files);
  if (binder.pending().holes.empty() && binder.pending().runtime.empty()) return;
  context.diagnostics.Add(code.place, "'code' must be the same for every task of the step");
}

void ReadInputPaths(ValidateContext& context, CommandDecl& command, const Node& inputs,
                    const Scope& scope) {
  if (!ExpectMapping(inputs, "'inputs'", context.diagnostics)) return;
  for (std::size_t i = 0; i < inputs.keys.size(); ++i) {
    const std::string& port = inputs.keys[i].text;
    const auto known = command.inputs.find(port);
    if (known == command.inputs.end()) {
      context.diagnostics.Add(inputs.keys[i].place,
                              fmt::format("'inputs' places '{}', which is no input", port),
                              "connect it first: input: {" + port + ": STEP}");
      continue;
    }
    auto path = ReadWorkPath(context, inputs.items[i], scope, fmt::format("input '{}'", port));
    if (path) known->second = std::move(*path);
  }
}

void BindCommand(ValidateContext& context, StepDecl& step, const Node& node, Scope scope) {
  auto& command = std::get<CommandDecl>(step.work);
  if (node.Find("uses") == nullptr) RejectKeys(context, node, {"with"}, "uses");
  for (const InputDecl& input : step.inputs) command.inputs.emplace(input.port, input.port);
  if (const Node* inputs = node.Find("inputs")) ReadInputPaths(context, command, *inputs, scope);
  if (const Node* code = node.Find("code")) ReadCode(context, command, *code, scope);
  scope.inputs = &command.inputs;
  scope.outputs = &command.outputs;
  for (const Node& argument : command.argv) {
    if (argument.is_scalar()) CheckText(context, step, argument, scope);
  }
}

void BindEnv(ValidateContext& context, StepDecl& step, const Node& node, Scope scope) {
  const FileDecl& file = context.pipeline.files[step.file];
  step.env = file.env;
  if (const Node* defaults = file.defaults.Find("env"); defaults && defaults->is_mapping()) {
    step.env = MergeMappings(step.env, *defaults);
  }
  if (const Node* own = node.Find("env");
      own != nullptr && ExpectMapping(*own, "'env'", context.diagnostics)) {
    step.env = MergeMappings(step.env, *own);
  }
  if (auto* command = std::get_if<CommandDecl>(&step.work)) {
    scope.inputs = &command->inputs;
    scope.outputs = &command->outputs;
  }
  for (std::size_t i = 0; i < step.env.keys.size(); ++i) {
    const std::string& name = step.env.keys[i].text;
    if (name.empty() || name.find('=') != std::string::npos) {
      context.diagnostics.Add(step.env.keys[i].place,
                              fmt::format("'{}' cannot be the name of a variable", name));
    }
    const Node& value = step.env.items[i];
    if (value.is_scalar()) {
      CheckText(context, step, value, scope);
    } else {
      context.diagnostics.Add(
          value.place,
          fmt::format("variable '{}' must be text, found {}", name, DescribeNode(value)),
          value.is_null() ? "write \"\" for an empty value" : "");
    }
  }
}

// `retry: 3` is short for `retry: {limit: 3}`.
Node Expanded(const Node& node, std::string_view key) {
  if (key != "retry" || !node.is_scalar()) return node;
  Node out;
  out.kind = Node::Kind::kMapping;
  out.place = node.place;
  out.keys.push_back({"limit", node.place});
  out.items.push_back(node);
  return out;
}

Node PickSettings(const Node& mapping) {
  Node out;
  out.kind = Node::Kind::kMapping;
  out.place = mapping.place;
  for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
    const std::string& key = mapping.keys[i].text;
    if (std::ranges::find(kSettingKeys, key) == kSettingKeys.end()) continue;
    out.keys.push_back(mapping.keys[i]);
    out.items.push_back(Expanded(mapping.items[i], key));
  }
  return out;
}

void BindSettings(ValidateContext& context, StepDecl& step, const Node& node, Scope scope) {
  scope.steps = nullptr;
  step.settings_node =
      MergeMappings(PickSettings(context.pipeline.files[step.file].defaults), PickSettings(node));
  ParamBinder binder(context.catalog, context.resolver, scope);
  Json value = binder.BindAll(SettingSpecs(), &step.settings_node, "a step", node.place,
                              Json::json_pointer());
  step.settings = binder.Take(std::move(value));
}

void ReportCondition(ValidateContext& context, const Node& node, const ConditionError& error) {
  context.diagnostics.Add(PlaceInText(node, error.offset),
                          fmt::format("in 'if': {}", error.message), error.hint);
}

void CheckConditionReference(ValidateContext& context, StepDecl& step, const Node& node,
                             const Reference& reference, const Scope& scope) {
  const Resolved resolved = context.resolver.ResolveOne(reference, node, scope);
  CollectMetrics(context, step, resolved.left, node);
  if (resolved.state != Resolved::State::kKnown || resolved.value().is_scalar() ||
      resolved.value().is_null()) {
    return;
  }
  context.diagnostics.Add(PlaceOfReference(node, reference.offset, reference.length),
                          fmt::format("in 'if': '{}' is {} and cannot be compared", reference.text,
                                      DescribeNode(resolved.value())));
}

// One that does not parse has references all the same.
void CheckBrokenCondition(ValidateContext& context, StepDecl& step, const Node& node,
                          const ConditionError& error, const Scope& scope) {
  ReportCondition(context, node, error);
  const ConditionReferences found = ScanReferences(node.text);
  for (const ConditionError& further : found.errors) ReportCondition(context, node, further);
  for (const Reference& reference : found.references) {
    CheckConditionReference(context, step, node, reference, scope);
  }
}

void BindCondition(ValidateContext& context, StepDecl& step, const Node& node, const Scope& scope) {
  if (!node.is_scalar()) {
    context.diagnostics.Add(node.place,
                            fmt::format("'if' must be a condition, found {}", DescribeNode(node)));
    return;
  }
  ParsedCondition parsed = ParseCondition(node.text);
  if (!parsed.expression) return CheckBrokenCondition(context, step, node, parsed.error, scope);
  std::vector<const Reference*> references;
  CollectReferences(*parsed.expression, references);
  for (const Reference* reference : references) {
    CheckConditionReference(context, step, node, *reference, scope);
  }
  RenameSteps(*parsed.expression, [&](const std::string& name) {
    return FindStepId(context.pipeline.step_names, scope.prefix, name);
  });
  step.condition = ConditionDecl{std::move(*parsed.expression), node.place};
}

}  // namespace

void DeclareStep(ValidateContext& context, std::size_t position) {
  StepDecl& step = context.pipeline.steps[position];
  const Node& node = *context.step_nodes[position];
  CheckKeys(node, kStepKeys, "a step", /*extensions=*/false, context.diagnostics);
  const Node* label = node.Find("name");
  if (label != nullptr && label->is_scalar()) step.label = label->text;
  const Node* uses = node.Find("uses");
  const Node* run = node.Find("run");
  if ((uses == nullptr) == (run == nullptr)) {
    context.diagnostics.Add(node.place, "a step needs either 'uses' or 'run'",
                            "uses: names a step type, run: a command");
  }
  if (run != nullptr) return DeclareCommand(context, step, node, *run);
  if (uses == nullptr) return;
  const auto found = context.specs.find(uses->text);
  if (found == context.specs.end()) return ReportUnknownStep(context, *uses);
  step.work = NativeDecl{found->second, {}, {}};
  step.outputs = found->second->outputs;
  for (PortSpec& port : step.outputs) port.doc.clear();
}

void ValidateStep(ValidateContext& context, std::size_t position) {
  StepDecl& step = context.pipeline.steps[position];
  const Node& node = *context.step_nodes[position];
  Scope scope = ScopeOf(context, step);
  step.matrix = ValidateMatrix(context, node, scope);
  scope.steps = &context.pipeline.step_names;
  if (step.matrix) scope.matrix_keys = &step.matrix->keys;
  if (std::holds_alternative<NativeDecl>(step.work)) {
    BindNative(context, step, node, scope);
    for (const RuntimeHole& hole : std::get<NativeDecl>(step.work).params.runtime) {
      CollectMetrics(context, step, hole.references, *hole.node);
    }
    for (const Hole& hole : std::get<NativeDecl>(step.work).params.holes) {
      CollectMetrics(context, step, hole.metrics, *hole.node);
    }
  } else {
    BindCommand(context, step, node, scope);
  }
  BindEnv(context, step, node, scope);
  BindSettings(context, step, node, scope);
  if (const Node* condition = node.Find("if")) BindCondition(context, step, *condition, scope);
}

void CheckCombinations(ValidateContext& context, std::size_t position) {
  const StepDecl& step = context.pipeline.steps[position];
  if (!step.matrix || CountCombinations(*step.matrix) > kCheckedTasksMax) return;
  Scope scope = ScopeOf(context, step);
  scope.steps = &context.pipeline.step_names;
  scope.matrix_keys = &step.matrix->keys;
  const auto* native = std::get_if<NativeDecl>(&step.work);
  for (const Bindings& bindings : Combine(*step.matrix)) {
    scope.task = &bindings;
    ParamBinder binder(context.catalog, context.resolver, scope);
    binder.set_elsewhere(native != nullptr && native->params.elsewhere);
    for (const Hole& hole : step.settings.holes) binder.Bind(*hole.spec, *hole.node, hole.pointer);
    if (native == nullptr || native->spec == nullptr) continue;
    const std::size_t before = context.diagnostics.size();
    Json value = native->params.value;
    for (const Hole& hole : native->params.holes) {
      Json bound = binder.Bind(*hole.spec, *hole.node, hole.pointer);
      if (!bound.is_null()) value[hole.pointer] = std::move(bound);
    }
    if (native->params.holes.empty() || context.diagnostics.size() > before) continue;
    std::vector<std::string> open = OpenPointers(binder.pending());
    for (const RuntimeHole& hole : native->params.runtime) open.push_back(hole.pointer);
    CheckParams(*native->spec, context.catalog, value, open, native->written, context.diagnostics);
  }
}

}  // namespace dml::pipelines
