#include "pipelines/help/step_example.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "pipelines/params/text.h"

namespace dml::pipelines {

namespace {

std::string PlaceholderFor(const ParamSpec& spec) {
  const auto element = [&] {
    return spec.element.empty() ? "VALUE" : PlaceholderFor(spec.element[0]);
  };
  switch (spec.type) {
    case ParamType::kColumn:
      return "COLUMN";
    case ParamType::kColumns:
      return "[COLUMN]";
    case ParamType::kPath:
    case ParamType::kOutputPath:
      return "FILE";
    case ParamType::kExpression:
      return "EXPRESSION";
    case ParamType::kEnum:
      return spec.choices.empty() ? "VALUE" : spec.choices[0];
    case ParamType::kInt:
    case ParamType::kFloat:
      return fmt::format("{}", static_cast<std::int64_t>(spec.minimum.value_or(1)));
    case ParamType::kList:
      return fmt::format("[{}]", element());
    case ParamType::kMap:
      return fmt::format("{{NAME: {}}}", element());
    case ParamType::kOneOf:
      return element();
    case ParamType::kBool:
      return "true";
    case ParamType::kString:
    case ParamType::kDuration:
    case ParamType::kSize:
    case ParamType::kObject:
    case ParamType::kTransforms:
    case ParamType::kAny:
      break;
  }
  return "VALUE";
}

// "target: COLUMN, metric: VALUE", of what is required.
std::string RequiredParams(const std::vector<ParamSpec>& params) {
  std::string out;
  for (const ParamSpec& spec : params) {
    if (!spec.required) continue;
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", spec.name, PlaceholderFor(spec));
  }
  return out;
}

std::string ExampleInput(const std::vector<PortSpec>& inputs) {
  std::string named;
  std::size_t required = 0;
  for (const PortSpec& port : inputs) {
    if (!port.required && !port.named) continue;
    ++required;
    named += fmt::format("{}{}: STEP", named.empty() ? "" : ", ", port.named ? "NAME" : port.name);
  }
  if (required == 0) return {};
  const bool bare = required == 1 && !inputs[0].named;
  if (!bare) return fmt::format("  input: {{{}}}\n", named);
  return inputs[0].many ? "  input: [STEP, STEP]\n" : "  input: STEP\n";
}

}  // namespace

std::string StepExample(const StepSpec& step) {
  std::string out = fmt::format("- id: NAME\n  uses: {}\n", step.name) + ExampleInput(step.inputs);
  const std::string params = RequiredParams(step.params);
  if (!params.empty()) out += fmt::format("  with: {{{}}}\n", params);
  return out;
}

std::string TransformExample(const TransformSpec& transform) {
  std::string params = RequiredParams(transform.params);
  const auto columns = std::ranges::find(transform.params, "columns", &ParamSpec::name);
  if (params.empty() && columns != transform.params.end()) {
    const std::string usual = DefaultText(*columns);
    params = fmt::format("columns: {}", usual.empty() ? "[COLUMN]" : usual);
  }
  if (params.empty()) return fmt::format("- {}\n", transform.name);
  return fmt::format("- {}: {{{}}}\n", transform.name, params);
}

}  // namespace dml::pipelines
