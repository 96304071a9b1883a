#include "pipelines/step_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "pipelines/param_text.h"

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
  std::string out;
  for (const ParamSpec& spec : params) {
    out +=
        fmt::format("{}{:<18} {}; {}\n", indent, spec.name, DescribeExpected(spec), Presence(spec));
    if (!spec.doc.empty()) out += fmt::format("{}{:<18}   {}\n", indent, "", spec.doc);
    if (spec.type == ParamType::kObject) out += ParamLines(spec.element, indent + "  ");
  }
  return out;
}

std::string Head(const std::string& name, const std::string& summary, const std::string& formula) {
  std::string out = fmt::format("{}: {}\n", name, summary);
  if (!formula.empty()) out += fmt::format("\n  {}\n", formula);
  return out;
}

// Table cells must hold neither bars nor line breaks.
std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string ParamRows(std::span<const ParamSpec> params, const std::string& prefix) {
  std::string out;
  for (const ParamSpec& spec : params) {
    out += fmt::format("| `{}{}` | {} | {} | {} |\n", prefix, spec.name,
                       Cell(DescribeExpected(spec)), Cell(Presence(spec)), Cell(spec.doc));
    if (spec.type == ParamType::kObject) out += ParamRows(spec.element, prefix + spec.name + ".");
  }
  return out;
}

std::string MarkdownBody(const std::string& name, const std::string& summary,
                         const std::string& formula, std::span<const ParamSpec> params) {
  std::string out = fmt::format("\n### {}\n\n{}.\n", name, summary);
  if (!formula.empty()) out += fmt::format("\n```\n{}\n```\n", formula);
  if (params.empty()) return out;
  out += "\n| parameter | takes | default | meaning |\n| --- | --- | --- | --- |\n";
  return out + ParamRows(params, "");
}

std::string PortSentence(const std::vector<PortSpec>& ports, std::string_view title) {
  if (ports.empty()) return {};
  std::string out;
  for (const PortSpec& port : ports) {
    out += fmt::format("{}`{}` ({}{})", out.empty() ? "" : ", ", port.name, KindName(port.kind),
                       port.many    ? ", several"
                       : port.named ? ", any names"
                                    : "");
  }
  return fmt::format("\n{}: {}.\n", title, out);
}

std::string MetricSentence(const StepSpec& step) {
  if (!step.metrics || step.metrics->empty()) return {};
  std::string out;
  for (const MetricSpec& metric : *step.metrics) {
    out += fmt::format("{}`{}`", out.empty() ? "" : ", ", metric.name);
  }
  return fmt::format("\nMetrics: {}.\n", out);
}

}  // namespace

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
    return Head(transform->name, transform->summary, transform->formula) + "\nparameters\n" +
           ParamLines(transform->params, "  ");
  }
  std::string out = Head(step->name, step->summary, step->formula);
  if (transform != nullptr) {
    out += "\nalso inside preprocess: of a model\n";
    if (transform->formula != step->formula) out += "  " + transform->formula + "\n";
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

std::string StepsMarkdown(const StepCatalog& catalog) {
  std::string out = "# Step types\n\nWritten by `dml steps --markdown`.\n\n## Steps\n";
  for (const StepSpec& step : catalog.steps) {
    out += MarkdownBody(step.name, step.summary, step.formula, step.params);
    out += PortSentence(step.inputs, "Inputs");
    out += PortSentence(step.outputs, "Outputs");
    out += MetricSentence(step);
  }
  out += "\n## Transforms\n\nInside `preprocess:` of a model.\n";
  for (const TransformSpec& transform : catalog.transforms) {
    out += MarkdownBody(transform.name, transform.summary, transform.formula, transform.params);
  }
  return out;
}

}  // namespace dml::pipelines
