#include "pipelines/help/step_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "pipelines/help/step_example.h"
#include "pipelines/params/text.h"

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

constexpr std::size_t kLineWidth = 100;

// `text` in lines of at most kLineWidth letters where it has spaces, each with the indent, and
// ended.
std::string InLines(std::string_view text, const std::string& indent) {
  std::string out;
  const std::size_t room = kLineWidth - std::min(indent.size(), kLineWidth / 2);
  while (text.size() > room) {
    std::size_t end = text.rfind(' ', room);
    if (end == std::string_view::npos || end == 0) end = text.find(' ', room);
    if (end == std::string_view::npos) break;
    out += fmt::format("{}{}\n", indent, text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return out + fmt::format("{}{}\n", indent, text);
}

// An example that is moved to the right.
std::string Indented(const std::string& lines) {
  std::string out;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at) + 1;
    out += "  " + lines.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string Group(const std::string& name) { return name.substr(0, name.find('.')); }

// "required", "default 0.1", or "optional", and the bounds.
std::string Presence(const ParamSpec& spec) {
  if (spec.required) return "required";
  const std::string shown = DefaultText(spec);
  return shown.empty() ? "optional" : "default " + shown;
}

std::string PortLine(const PortSpec& port, bool is_input) {
  std::string kind(KindName(port.kind));
  if (is_input && port.many) kind += ", several";
  if (is_input && port.named) kind += ", any names";
  if (is_input && !port.required) kind += ", optional";
  return fmt::format("  {:<16} {:<16} {}\n", port.name, kind, port.doc);
}

std::string MetricLines(const std::vector<MetricSpec>& metrics) {
  std::string out;
  for (const MetricSpec& metric : metrics) {
    out += fmt::format("  {:<32} {}{}\n", metric.name, metric.doc,
                       metric.needs.empty() ? "" : "; with " + metric.needs);
  }
  return out;
}

std::string ParamLines(std::span<const ParamSpec> params, const std::string& indent) {
  std::size_t width = 18;
  for (const ParamSpec& spec : params) width = std::max(width, spec.name.size());
  std::string out;
  for (const ParamSpec& spec : params) {
    const std::string below = indent + std::string(width + 3, ' ');
    std::string lines =
        InLines(fmt::format("{}; {}", DescribeExpected(spec), Presence(spec)), below);
    lines.replace(0, below.size(), fmt::format("{}{:<{}} ", indent, spec.name, width));
    out += lines;
    if (!spec.doc.empty()) out += InLines(spec.doc, below);
    if (spec.type == ParamType::kObject) out += ParamLines(spec.element, indent + "  ");
  }
  return out;
}

std::string Head(const std::string& name, const std::string& summary, const std::string& formula) {
  std::string out = fmt::format("{}: {}\n", name, summary);
  if (!formula.empty()) out += "\n" + InLines(formula, "  ");
  return out;
}

}  // namespace

std::string FamilyText(const StepCatalog& catalog, const std::string& family) {
  std::size_t width = 0;
  for (const StepSpec& step : catalog.steps) {
    if (Group(step.name) == family) width = std::max(width, step.name.size());
  }
  std::string out;
  for (const StepSpec& step : catalog.steps) {
    if (Group(step.name) != family || step.name == family) continue;
    out += fmt::format("{:<{}}  {}\n", step.name, width, step.summary);
  }
  return out;
}

std::string StepListText(const StepCatalog& catalog) {
  std::size_t width = 0;
  for (const StepSpec& step : catalog.steps) width = std::max(width, step.name.size());
  std::vector<const StepSpec*> sorted;
  for (const StepSpec& step : catalog.steps) sorted.push_back(&step);
  std::ranges::stable_sort(sorted, {}, [](const StepSpec* step) { return Group(step->name); });
  std::string out;
  std::string group;
  for (const StepSpec* step : sorted) {
    if (!out.empty() && Group(step->name) != group) out += '\n';
    group = Group(step->name);
    out += fmt::format("{:<{}}  {}\n", step->name, width, step->summary);
  }
  if (catalog.transforms.empty()) return out;
  out += "\ntransforms, inside preprocess: of a model\n";
  for (const TransformSpec& transform : catalog.transforms) {
    out += fmt::format("{:<{}}  {}\n", transform.name, width, transform.summary);
  }
  return out;
}

std::string StepText(const StepCatalog& catalog, const std::string& name) {
  const StepSpec* step = catalog.FindStep(name);
  const TransformSpec* transform = catalog.FindTransform(name);
  if (step == nullptr) {
    if (transform == nullptr) return {};
    return Head(transform->name, transform->summary, transform->formula) +
           "\ninside preprocess: of a model\n" + Indented(TransformExample(*transform)) +
           "\nparameters\n" + ParamLines(transform->params, "  ");
  }
  std::string out = Head(step->name, step->summary, step->formula);
  out += "\nin a pipeline\n" + Indented(StepExample(*step));
  if (transform != nullptr) {
    out += "\nalso inside preprocess: of a model\n" + Indented(TransformExample(*transform));
    if (transform->formula != step->formula) out += InLines(transform->formula, "  ");
  }
  if (!step->table_only.empty()) {
    out += fmt::format("\nnot inside preprocess: of a model: {}\n", step->table_only);
  }
  if (!step->inputs.empty()) out += "\ninputs\n";
  for (const PortSpec& port : step->inputs) out += PortLine(port, true);
  if (!step->outputs.empty()) out += "\noutputs\n";
  for (const PortSpec& port : step->outputs) out += PortLine(port, false);
  if (!step->params.empty()) out += "\nparameters\n" + ParamLines(step->params, "  ");
  if (step->metrics && !step->metrics->empty()) {
    out += "\nmetrics, as ${steps.ID.metrics.NAME}\n" + MetricLines(*step->metrics);
  }
  return out;
}

}  // namespace dml::pipelines
