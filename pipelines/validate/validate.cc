#include "pipelines/validate/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"
#include "pipelines/expand/settings.h"
#include "pipelines/params/familiar_names.h"
#include "pipelines/validate/context.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

constexpr std::array<std::string_view, 9> kFileKeys{
    "name", "description", "params", "defaults", "include", "schedule", "on", "env", "steps"};
constexpr std::array<std::string_view, 5> kDefaultsKeys{"retry", "timeout", "resources", "cache",
                                                        "env"};
constexpr std::array<std::string_view, 3> kHookEvents{"success", "failure", "finish"};

std::string NameOf(const Node& root, const Source& source, Diagnostics& diagnostics) {
  const Node* name = root.Find("name");
  if (name != nullptr && name->is_scalar()) return name->text;
  if (name != nullptr) {
    diagnostics.Add(name->place, fmt::format("'name' must be text, found {}", DescribeNode(*name)));
  }
  std::string stem = source.name.substr(source.name.rfind('/') + 1);
  return stem.substr(0, stem.rfind('.'));
}

// What the checker of the program says about one key, else nothing.
void CheckScheduleKey(ValidateContext& context, const Node& schedule, const Json& bound,
                      const char* key) {
  const Node* value = schedule.is_mapping() ? schedule.Find(key) : nullptr;
  if (value == nullptr || !bound.contains(key) || !context.world.check_schedule) return;
  const auto checked = context.world.check_schedule(key, bound[key].get<std::string>());
  if (checked.ok()) return;
  context.diagnostics.Add(value->place, checked.error().message, checked.error().hint);
}

Json ValidateSchedule(ValidateContext& context, const Node& node) {
  Scope scope;
  scope.params = &context.pipeline.files[0].params;
  ParamBinder binder(context.catalog, context.resolver, scope);
  Json bound =
      binder.BindAll(ScheduleSpecs(), &node, "'schedule'", node.place, Json::json_pointer());
  const Node* cron = node.is_mapping() ? node.Find("cron") : nullptr;
  if (node.is_mapping() && bound.contains("cron") == bound.contains("every") &&
      (node.Find("every") != nullptr) == (cron != nullptr)) {
    context.diagnostics.Add(node.place, "'schedule' needs either 'cron' or 'every'",
                            "for example cron: \"0 2 * * *\" for every night at two");
  }
  CheckScheduleKey(context, node, bound, "cron");
  CheckScheduleKey(context, node, bound, "timezone");
  return bound;
}

Json ValidateHooks(ValidateContext& context, const Node& node) {
  Json out = Json::object();
  if (!ExpectMapping(node, "'on'", context.diagnostics)) return out;
  CheckKeys(node, kHookEvents, "'on'", /*extensions=*/false, context.diagnostics);
  Scope scope;
  scope.params = &context.pipeline.files[0].params;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node& hooks = node.items[i];
    const std::span<const Node> each =
        hooks.is_sequence() ? std::span(hooks.items) : std::span(&hooks, 1);
    Json bound = Json::array();
    for (const Node& hook : each) {
      // Environment variables are named, not read: a hook's secrets are looked up when it runs.
      ParamBinder binder(context.catalog, context.resolver, scope);
      binder.set_mode(ResolveMode::kByReference);
      Json one = binder.BindAll(HookSpecs(), &hook, "a hook", hook.place, Json::json_pointer());
      const bool wrote_both_or_none =
          hook.is_mapping() && (hook.Find("run") == nullptr) == (hook.Find("webhook") == nullptr);
      if (wrote_both_or_none) {
        context.diagnostics.Add(hook.place, "a hook needs either 'run' or 'webhook'",
                                "for example run: [notify-send, done]");
      }
      bound.push_back(std::move(one));
    }
    out[node.keys[i].text] = std::move(bound);
  }
  return out;
}

void ValidateFileHead(ValidateContext& context, std::size_t file) {
  const Node& root = context.pipeline.files[file].document->root;
  CheckKeys(root, kFileKeys, "a pipeline", /*extensions=*/true, context.diagnostics);
  CheckKeys(context.pipeline.files[file].defaults, kDefaultsKeys, "'defaults'",
            /*extensions=*/false, context.diagnostics);
  if (file > 0) {
    for (const std::string_view key : {"schedule", "on"}) {
      const Node* found = root.Find(key);
      if (found == nullptr) continue;
      context.diagnostics.Add(found->place,
                              fmt::format("'{}' has no meaning in an included file", key),
                              "move it to the main pipeline file");
    }
    return;
  }
  Pipeline& pipeline = context.pipeline;
  pipeline.name = NameOf(root, *pipeline.files[0].document->source, context.diagnostics);
  if (const Node* schedule = root.Find("schedule")) {
    pipeline.schedule = ValidateSchedule(context, *schedule);
  }
  if (const Node* hooks = root.Find("on")) pipeline.hooks = ValidateHooks(context, *hooks);
}

}  // namespace

void CheckKeys(const Node& mapping, std::span<const std::string_view> known,
               const std::string& owner, bool extensions, Diagnostics& diagnostics) {
  for (const Node::Key& key : mapping.keys) {
    if (std::ranges::find(known, key.text) != known.end()) continue;
    if (extensions && key.text.starts_with("x-")) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    std::string hint = HintForFamiliarKey(key.text, names);
    if (hint.empty()) hint = DidYouMean(key.text, names);
    if (key.text == "<<") hint = "YAML merge keys are not part of YAML 1.2; use defaults";
    if (hint.empty()) {
      hint = "the keys are ";
      for (std::size_t i = 0; i < names.size(); ++i) hint += (i == 0 ? "" : ", ") + names[i];
    }
    diagnostics.Add(key.place, fmt::format("unknown key '{}' in {}", key.text, owner),
                    std::move(hint));
  }
}

bool ExpectMapping(const Node& node, const std::string& what, Diagnostics& diagnostics) {
  if (node.is_mapping()) return true;
  diagnostics.Add(node.place,
                  fmt::format("{} must be a mapping, found {}", what, DescribeNode(node)));
  return false;
}

bool ExpectSequence(const Node& node, const std::string& what, Diagnostics& diagnostics) {
  if (node.is_sequence()) return true;
  diagnostics.Add(node.place, fmt::format("{} must be a list, found {}", what, DescribeNode(node)));
  return false;
}

Node MergeMappings(const Node& under, const Node& over) {
  if (!under.is_mapping() || !over.is_mapping()) return over;
  Node out = over;
  for (std::size_t i = 0; i < under.keys.size(); ++i) {
    const auto known = std::ranges::find(out.keys, under.keys[i].text, &Node::Key::text);
    if (known == out.keys.end()) {
      out.keys.push_back(under.keys[i]);
      out.items.push_back(under.items[i]);
      continue;
    }
    Node& item = out.items[static_cast<std::size_t>(known - out.keys.begin())];
    item = MergeMappings(under.items[i], item);
  }
  return out;
}

Pipeline Validate(const std::shared_ptr<const Document>& document, const StepCatalog& catalog,
                  const World& world, const Overrides& overrides, Diagnostics& diagnostics) {
  ValidateContext context{catalog, world, diagnostics, Resolver(world, diagnostics), {}, {}, {}};
  for (const StepSpec& spec : catalog.steps) context.specs.emplace(spec.name, &spec);
  if (document->root.is_null()) {
    diagnostics.Add({document->source.get(), 0, 0}, "the file is empty",
                    "a pipeline has at least steps: [{id: raw, uses: load.csv, with: ...}]");
    return std::move(context.pipeline);
  }
  if (!ExpectMapping(document->root, "a pipeline", diagnostics)) return std::move(context.pipeline);
  AddFile(context, document, "", MainParams(context, *document, overrides), {});
  for (std::size_t i = 0; i < context.pipeline.files.size(); ++i) ValidateFileHead(context, i);
  const std::size_t count = context.pipeline.steps.size();
  for (std::size_t i = 0; i < count; ++i) DeclareStep(context, i);
  for (std::size_t i = 0; i < count; ++i) {
    ValidateInputs(context, i);
    ValidateNeeds(context, i);
    ValidateStep(context, i);
  }
  CheckCycles(context);
  WarnOfUnusedParams(context);
  WarnOfUnusedMatrix(context);
  ModelOutlooks outlooks(context.pipeline.steps);
  CheckModels(context, outlooks);
  CheckMetrics(context, outlooks);
  if (world.look_at_data) CheckColumnNames(context);
  for (std::size_t i = 0; i < count && !diagnostics.empty(); ++i) CheckCombinations(context, i);
  return std::move(context.pipeline);
}

}  // namespace dml::pipelines
