#include "cli/pipeline/cmd_steps.h"

#include "base/suggest.h"
#include "cli/pipeline/steps_registry.h"
#include "pipelines/help/step_reference.h"
#include "pipelines/params/familiar_steps.h"
#include "pipelines/params/text.h"

namespace dml::cli {

namespace {

struct StepsOptions {
  std::string name;
  bool names = false;
};

Json ParamsJson(const std::vector<ParamSpec>& params) {
  Json out = Json::array();
  for (const ParamSpec& param : params) {
    out.push_back({{"name", param.name},
                   {"type", pipelines::TypeName(param)},
                   {"expects", pipelines::DescribeExpected(param)},
                   {"required", param.required},
                   {"default", param.default_value},
                   {"doc", param.doc}});
  }
  return out;
}

Json MetricsJson(const StepSpec& step) {
  if (!step.metrics) return nullptr;
  Json out = Json::array();
  for (const MetricSpec& metric : *step.metrics) {
    Json one = {{"name", metric.name}, {"doc", metric.doc}};
    if (!metric.needs.empty()) one["needs"] = metric.needs;
    out.push_back(std::move(one));
  }
  return out;
}

Json StepJson(const StepSpec& step) {
  return {{"name", step.name},
          {"summary", step.summary},
          {"formula", step.formula},
          {"algorithm_version", step.algorithm_version},
          {"params", ParamsJson(step.params)},
          {"metrics", MetricsJson(step)}};
}

Json TransformJson(const TransformSpec& transform) {
  return {{"name", transform.name},
          {"summary", transform.summary},
          {"formula", transform.formula},
          {"params", ParamsJson(transform.params)}};
}

Error UnknownStep(const StepCatalog& catalog, const std::string& name) {
  std::vector<std::string> known;
  for (const StepSpec& step : catalog.steps) known.push_back(step.name);
  for (const TransformSpec& transform : catalog.transforms) known.push_back(transform.name);
  std::string hint = pipelines::HintForFamiliarStep(name, known);
  if (name == "run") hint = "a command stands in the place of uses: - run: [python3, train.py]";
  if (hint.empty()) hint = DidYouMean(name, known);
  if (hint.empty()) hint = "`dml steps` lists them";
  return Error::Invalid("there is no step type '" + name + "'", std::move(hint));
}

Result<ExitCode> RunSteps(const StepsOptions& options, const Output& output) {
  const StepCatalog& catalog = BuiltinSteps().catalog();
  if (output.format() == Format::kJson) {
    Json steps = Json::array();
    Json transforms = Json::array();
    const std::string prefix = options.name + ".";
    const bool family =
        catalog.FindStep(options.name) == nullptr && catalog.FindTransform(options.name) == nullptr;
    const auto wanted = [&](const std::string& name) {
      return options.name.empty() || options.name == name || (family && name.starts_with(prefix));
    };
    for (const StepSpec& step : catalog.steps) {
      if (wanted(step.name)) steps.push_back(StepJson(step));
    }
    for (const TransformSpec& transform : catalog.transforms) {
      if (wanted(transform.name)) transforms.push_back(TransformJson(transform));
    }
    if (steps.empty() && transforms.empty()) return UnknownStep(catalog, options.name);
    output.PrintJson({{"steps", steps}, {"transforms", transforms}});
    return ExitCode::kDone;
  }
  if (options.names) {
    std::string names;
    for (const StepSpec& step : catalog.steps) names += step.name + "\n";
    for (const TransformSpec& transform : catalog.transforms) names += transform.name + "\n";
    output.Print(names);
    return ExitCode::kDone;
  }
  if (options.name.empty()) {
    output.Print(pipelines::StepListText(catalog));
    output.Note("\n`dml steps NAME` describes one: parameters, defaults, formula");
    return ExitCode::kDone;
  }
  std::string text = pipelines::StepText(catalog, options.name);
  if (text.empty()) text = pipelines::FamilyText(catalog, options.name);
  if (text.empty()) return UnknownStep(catalog, options.name);
  output.Print(text);
  return ExitCode::kDone;
}

}  // namespace

Action SetupSteps(Args& args, CommonOptions&) {
  auto options = std::make_shared<StepsOptions>();
  args.Positional("NAME", options->name, /*required=*/false,
                  "a step type, a transform, or a family such as train");
  args.Flag("--names", options->names, "only the names, one a line");
  args.Example("dml steps", "all of them, a line each");
  args.Example("dml steps train", "all that train");
  args.Example("dml steps train.ridge", "parameters, defaults and formula of one");
  return [options](Output& output) { return RunSteps(*options, output); };
}

}  // namespace dml::cli
