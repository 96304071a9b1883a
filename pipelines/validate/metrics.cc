#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/suggest.h"
#include "pipelines/validate/context.h"
#include "pipelines/validate/model_outlooks.h"
#include "pipelines/yaml/text_place.h"

namespace dml::pipelines {

namespace {

using Names = std::vector<std::string>;

// What a native step will report, as far as it can be known; its type has declared something.
Names Reported(const NativeDecl& native, const std::vector<ModelOutlook>& models) {
  const Json params = WithNulls(native.params);
  std::map<std::string, Names> known;
  if (native.spec->forecast_metrics) known = native.spec->forecast_metrics(params, models);
  Names names;
  for (const MetricSpec& metric : *native.spec->metrics) {
    if (!MayReport(metric, params)) continue;
    const auto found = known.find(metric.name);
    if (found == known.end()) {
      names.push_back(metric.name);
    } else {
      names.insert(names.end(), found->second.begin(), found->second.end());
    }
  }
  return names;
}

bool IsAmong(const Names& names, const std::string& path) {
  return std::ranges::any_of(names, [&](const auto& name) { return NamesMetric(name, path); });
}

// The near name, if there is one: of the same last part, or spelled alike.
std::string NearName(const Names& names, const std::string& path) {
  const auto leaf = [](const std::string& of) { return of.substr(of.find_last_of('.') + 1); };
  const auto same = std::ranges::find(names, leaf(path), leaf);
  return same == names.end() ? DidYouMean(path, names) : "did you mean '" + *same + "'?";
}

// "It reports a, b, and more: see ...": plain names first.
std::string ListOf(Names names, const std::string& type) {
  constexpr std::size_t kShownMax = 12;
  if (names.empty()) return "it reports none";
  std::ranges::stable_sort(names, {}, [](const auto& of) { return std::ranges::count(of, '.'); });
  const std::span<const std::string> shown(names.data(), std::min(names.size(), kShownMax));
  return fmt::format("it reports {}{}", fmt::join(shown, ", "),
                     names.size() > kShownMax ? ", and more: see 'dml steps " + type + "'" : "");
}

// Of the name, as long as somebody may look at it: the walk along a long line takes time.
Place PlaceOf(const MetricUse& use, const Diagnostics& diagnostics) {
  if (!diagnostics.wants_detail()) return use.node->place;
  return PlaceOfMetric(PlaceOfReference(*use.node, use.offset, use.length), use.path);
}

void ReportUnknown(ValidateContext& context, const MetricUse& use, const NativeDecl& native,
                   const Names& names) {
  const std::string& id = context.pipeline.steps[use.step].id;
  // A metric that the type knows, but that a step with other parameters reports.
  const auto declared = std::ranges::find_if(*native.spec->metrics, [&](const MetricSpec& metric) {
    return NamesMetric(metric.name, use.path) && !MayReport(metric, WithNulls(native.params));
  });
  std::string hint = NearName(names, use.path);
  if (declared != native.spec->metrics->end()) {
    hint = fmt::format("add '{}' under 'with' of that step", declared->needs);
  }
  if (!hint.empty()) hint += "; ";
  context.diagnostics.Add(PlaceOf(use, context.diagnostics),
                          fmt::format("step '{}' reports no metric '{}'", id, use.path),
                          hint + ListOf(names, native.spec->name));
}

void CheckMetric(ValidateContext& context, const MetricUse& use, ModelOutlooks& outlooks) {
  const StepDecl& step = context.pipeline.steps[use.step];
  if (std::holds_alternative<CommandDecl>(step.work)) {
    context.diagnostics.Add(
        PlaceOf(use, context.diagnostics),
        fmt::format("step '{}' reports no metric '{}': it runs a command", step.id, use.path),
        "only steps with 'uses' report metrics; a command can leave a file as an output");
    return;
  }
  const NativeDecl* native = NativeOf(step);
  if (native == nullptr || !native->spec->metrics) return;
  const Names names = Reported(*native, outlooks.Inputs(use.step));
  if (!IsAmong(names, use.path)) ReportUnknown(context, use, *native, names);
}

}  // namespace

void CheckMetrics(ValidateContext& context, ModelOutlooks& outlooks) {
  for (const StepDecl& step : context.pipeline.steps) {
    for (const MetricUse& use : step.metrics) CheckMetric(context, use, outlooks);
  }
}

}  // namespace dml::pipelines
