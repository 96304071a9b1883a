#include "pipelines/expand/task_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/node_param.h"
#include "pipelines/expand/settings.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

template <typename T>
void AddOnce(std::vector<T>& list, T value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(std::move(value));
}

void Apply(const Settings& settings, bool cacheable, TaskDecl& task) {
  task.retry = settings.retry;
  task.resources = settings.resources;
  task.timeout = settings.timeout;
  task.cache = settings.cache && cacheable;
}

bool IsCacheable(const StepDecl& step) {
  const auto* native = std::get_if<NativeDecl>(&step.work);
  return native == nullptr || native->spec->cacheable;
}

std::vector<std::string> CodePaths(const CommandDecl& command) {
  std::vector<std::string> paths;
  for (const FileInput& file : command.code) paths.push_back(file.pattern);
  return paths;
}

std::map<std::string, std::string> KindsOf(const StepDecl& step) {
  std::map<std::string, std::string> kinds;
  for (const PortSpec& port : step.outputs) {
    if (port.kind != PortKind::kFile) {
      kinds.emplace(port.name, port.kind == PortKind::kTable ? "table" : "model");
    }
  }
  return kinds;
}

}  // namespace

TaskBuilder::TaskBuilder(const Pipeline& pipeline, const std::vector<StepTasks>& tasks,
                         const StepCatalog& catalog, const Resolver& resolver, std::size_t step)
    : pipeline_(pipeline),
      tasks_(tasks),
      catalog_(catalog),
      resolver_(resolver),
      step_(pipeline.steps[step]),
      own_(tasks[step]) {
  const FileDecl& file = pipeline.files[step_.file];
  scope_.params = &file.params;
  scope_.prefix = file.prefix;
  scope_.steps = &pipeline.step_names;
  if (step_.matrix) scope_.matrix_keys = &step_.matrix->keys;
  prototype_.step = step_.id;
  prototype_.outputs = step_.outputs;
  prototype_.where = step_.place.ToLocation();
  if (const auto* native = std::get_if<NativeDecl>(&step_.work)) {
    prototype_.work =
        NativeWork{native->spec->name, native->spec->algorithm_version, native->params.value};
    prototype_.files = native->params.files;
    prototype_.row_local = native->spec->row_local;
  } else {
    const auto& command = std::get<CommandDecl>(step_.work);
    prototype_.work = CommandWork{
        {}, command.shell, CodePaths(command), command.outputs, command.inputs, KindsOf(step_)};
    prototype_.files = command.code;
    scope_.inputs = &command.inputs;
    scope_.outputs = &command.outputs;
    for (std::size_t i = 0; i < command.argv.size(); ++i) {
      argv_pointers_.push_back(fmt::format("/argv/{}", i));
    }
  }
  for (const Node::Key& name : step_.env.keys) {
    env_pointers_.push_back((Json::json_pointer("/env") / name.text).to_string());
  }
  if (step_.settings.holes.empty()) {
    Apply(ReadSettings(step_.settings.value), IsCacheable(step_), prototype_);
  }
}

TaskDecl TaskBuilder::Build(std::size_t index) {
  TaskDecl task = prototype_;
  task.name = own_.names[index];
  const Bindings& bindings = own_.combinations[index];
  for (const Binding& binding : bindings) {
    task.matrix[std::string(binding.key)] = ToJson(*binding.value);
  }
  scope_.task = &bindings;
  if (std::holds_alternative<NativeDecl>(step_.work)) {
    FillParams(task);
    FillNode(task);
  } else {
    FillCommand(task);
  }
  FillEnv(task);
  FillSettings(task);
  FillCondition(task);
  FillInputs(task, bindings);
  return task;
}

const Pairing& TaskBuilder::PairingWith(std::size_t producer) {
  const auto known = pairings_.find(producer);
  if (known != pairings_.end()) return known->second;
  Pairing pairing(pipeline_.steps[producer], tasks_[producer], step_);
  return pairings_.emplace(producer, std::move(pairing)).first->second;
}

void TaskBuilder::FillParams(TaskDecl& task) {
  const BoundParams& params = std::get<NativeDecl>(step_.work).params;
  for (const RuntimeHole& hole : params.runtime) AddRuntime(task, hole);
  if (params.holes.empty()) return;
  ParamBinder binder(catalog_, resolver_, scope_);
  binder.set_elsewhere(params.elsewhere);
  Json& target = std::get<NativeWork>(task.work).params;
  const std::size_t before = resolver_.diagnostics().size();
  for (const Hole& hole : params.holes) {
    Json value = binder.Bind(*hole.spec, *hole.node, hole.pointer);
    if (!value.is_null()) target[hole.pointer] = std::move(value);
  }
  for (const RuntimeHole& hole : binder.pending().runtime) AddRuntime(task, hole);
  if (resolver_.diagnostics().size() == before && checked_++ < kCheckedTasksMax) {
    std::vector<std::string> open = OpenPointers(binder.pending());
    for (const RuntimeHole& hole : params.runtime) open.push_back(hole.pointer);
    const auto& native = std::get<NativeDecl>(step_.work);
    CheckParams(*native.spec, catalog_, target, open, native.written, resolver_.diagnostics());
  }
  std::ranges::move(binder.pending().files, std::back_inserter(task.files));
}

// Where files are is no concern of the step that reads them, nor of what it makes of them.
void TaskBuilder::FillNode(TaskDecl& task) {
  const auto& native = std::get<NativeDecl>(step_.work);
  if (!native.params.elsewhere) return;
  const Place& place = native.written.with->Find(kNodeParam)->place;
  Json& params = std::get<NativeWork>(task.work).params;
  const std::string node = params.value(kNodeParam, std::string());
  params.erase(kNodeParam);
  if (node.empty() && !std::exchange(nodeless_reported_, true)) {
    resolver_.diagnostics().Add(place,
                                fmt::format("'{}' names no node for '{}'", kNodeParam, task.name),
                                "name a node of the cluster for every task of the step");
  }
  for (FileInput& file : task.files) {
    file.node = node;
    file.node_where = place.ToLocation();
  }
}

void TaskBuilder::AddRuntime(TaskDecl& task, const RuntimeHole& hole) {
  auto& spec = shared_specs_[hole.spec];
  if (spec == nullptr) spec = std::make_shared<ParamSpec>(*hole.spec);
  task.deferred.push_back({"/params" + hole.pointer, hole.text, spec});
  AddMetrics(task, hole.references, hole.place);
}

void TaskBuilder::AddMetrics(TaskDecl& task, const std::vector<Reference>& references,
                             const Place& place) {
  for (const Reference& reference : references) {
    if (reference.root == ReferenceRoot::kEnv) {
      AddOnce(task.secret_env, reference.path);
    } else if (reference.root == ReferenceRoot::kFile) {
      AddOnce(task.secret_files, reference.path);
    }
    if (reference.root != ReferenceRoot::kSteps) continue;
    const std::size_t producer = pipeline_.step_names.at(reference.step);
    const auto ids = PairingWith(producer).For(*scope_.task);
    if (ids.size() != 1) {
      resolver_.diagnostics().Add(
          place,
          fmt::format("'{}' is the metric of {} tasks of step '{}', and one is needed",
                      reference.text, ids.size(), reference.step),
          "choose one first, for example with select.best, or use the same matrix here");
      continue;
    }
    const bool known = std::ranges::any_of(task.metric_references, [&](const auto& other) {
      return other.task == ids[0] && other.path == reference.path;
    });
    if (!known) task.metric_references.push_back({ids[0], reference.path, reference.step});
  }
}

std::string TaskBuilder::FillText(TaskDecl& task, const Node& node, const std::string& pointer) {
  Resolved resolved = resolver_.Resolve(node, scope_, ResolveMode::kByReference);
  if (resolved.state == Resolved::State::kKnown) return ScalarText(resolved.value());
  if (resolved.state != Resolved::State::kAtRunTime) return {};
  AddMetrics(task, resolved.left, node.place);
  task.deferred.push_back({pointer, resolved.text, nullptr});
  return resolved.text;
}

void TaskBuilder::FillCommand(TaskDecl& task) {
  const auto& command = std::get<CommandDecl>(step_.work);
  auto& work = std::get<CommandWork>(task.work);
  for (std::size_t i = 0; i < command.argv.size(); ++i) {
    work.argv.push_back(FillText(task, command.argv[i], argv_pointers_[i]));
  }
}

void TaskBuilder::FillEnv(TaskDecl& task) {
  for (std::size_t i = 0; i < step_.env.keys.size(); ++i) {
    task.env[step_.env.keys[i].text] = FillText(task, step_.env.items[i], env_pointers_[i]);
  }
}

void TaskBuilder::FillSettings(TaskDecl& task) {
  if (step_.settings.holes.empty()) return;
  ParamBinder binder(catalog_, resolver_, scope_);
  Json value = step_.settings.value;
  const std::size_t before = resolver_.diagnostics().size();
  for (const Hole& hole : step_.settings.holes) {
    Json bound = binder.Bind(*hole.spec, *hole.node, hole.pointer);
    if (!bound.is_null()) value[hole.pointer] = std::move(bound);
  }
  if (resolver_.diagnostics().size() > before) return;
  Apply(ReadSettings(value), IsCacheable(step_), task);
}

void TaskBuilder::FillCondition(TaskDecl& task) {
  if (!step_.condition) return;
  const Place& place = step_.condition->place;
  const Expression& written = step_.condition->expression;
  const Expression left = Simplify(written, [&](const Reference& reference) -> std::optional<Json> {
    const Node text = Node::Scalar(reference.text, place);
    const Resolved resolved = resolver_.Resolve(text, scope_);
    if (resolved.state != Resolved::State::kKnown) return std::nullopt;
    return ToJson(resolved.value());
  });
  if (const auto mistake = FindStaticMistake(left)) {
    resolver_.diagnostics().Add(place, mistake->message, mistake->hint);
    return;
  }
  const bool reads_status = ReadsStatus(written);
  if (left.op == Expression::Op::kLiteral) {
    task.never = !IsTrue(left.literal);
    if (!task.never && reads_status) {
      task.condition = Condition{"always()", place.ToLocation(), true};
    }
    return;
  }
  std::vector<const Reference*> references;
  CollectReferences(left, references);
  for (const Reference* reference : references) AddMetrics(task, {*reference}, place);
  task.condition = Condition{ToText(left), place.ToLocation(), reads_status};
}

void TaskBuilder::FillInputs(TaskDecl& task, const Bindings& bindings) {
  for (const InputDecl& input : step_.inputs) {
    for (const ProducerDecl& producer : input.producers) {
      const auto ids = PairingWith(producer.step).For(bindings);
      if (ids.empty() || (ids.size() != 1 && !input.many)) {
        ReportPairing(input, producer, ids.size(), task.name);
      }
      for (const TaskId id : ids) task.inputs.push_back({input.port, id, producer.output});
    }
  }
  for (const ProducerDecl& need : step_.needs) {
    const auto ids = PairingWith(need.step).For(bindings);
    task.needs.insert(task.needs.end(), ids.begin(), ids.end());
  }
}

void TaskBuilder::ReportPairing(const InputDecl& input, const ProducerDecl& producer,
                                std::size_t found, const std::string& name) {
  if (std::exchange(pairing_reported_, true)) return;
  const std::string& id = pipeline_.steps[producer.step].id;
  const std::string keys = PairingWith(producer.step).SharedKeys();
  const std::string why =
      keys.empty() ? fmt::format("its matrix has {} tasks, and the two share no matrix key", found)
                   : fmt::format("{} of its tasks have the same {}", found, keys);
  resolver_.diagnostics().Add(
      producer.place,
      fmt::format("input '{}' of '{}' takes one task of step '{}', but {}", input.port, name, id,
                  why),
      found == 0 ? "give both steps the same matrix values"
                 : "use the same matrix keys in both steps to pair them, or pick one with "
                   "select.best");
}

}  // namespace dml::pipelines
