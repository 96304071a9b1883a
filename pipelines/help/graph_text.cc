#include "pipelines/help/graph_text.h"

#include <fmt/format.h>

#include <set>
#include <unordered_map>
#include <vector>

namespace dml::pipelines {

namespace {

struct DrawnNode {
  std::string title;
  std::string detail;  // the step type, or "run"
};

struct DrawnEdge {
  std::size_t from = 0;
  std::size_t to = 0;
  bool data = true;
  friend auto operator<=>(const DrawnEdge&, const DrawnEdge&) = default;
};

struct Picture {
  std::vector<DrawnNode> nodes;
  std::set<DrawnEdge> edges;
};

std::string DetailOf(const TaskDecl& task) {
  const auto* native = std::get_if<NativeWork>(&task.work);
  return native == nullptr ? "run" : native->uses;
}

Picture Draw(const ExpandedPipeline& pipeline) {
  std::unordered_map<std::string, std::size_t> sizes;
  for (const TaskDecl& task : pipeline.tasks) ++sizes[task.step];
  std::unordered_map<std::string, std::size_t> gathered;  // steps drawn as one node
  std::vector<std::size_t> node_of;
  Picture out;
  for (const TaskDecl& task : pipeline.tasks) {
    const std::size_t size = sizes.at(task.step);
    const auto known = gathered.find(task.step);
    if (known != gathered.end()) {
      node_of.push_back(known->second);
      continue;
    }
    node_of.push_back(out.nodes.size());
    if (size > kTasksDrawnMax) {
      gathered.emplace(task.step, out.nodes.size());
      out.nodes.push_back({fmt::format("{} (x{})", task.step, size), DetailOf(task)});
    } else {
      out.nodes.push_back({task.name, DetailOf(task)});
    }
  }
  for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
    const TaskDecl& task = pipeline.tasks[TaskId(i)];
    const auto add = [&](TaskId from, bool data) {
      out.edges.insert({node_of[from.index()], node_of[i], data});
    };
    for (const InputEdge& input : task.inputs) add(input.producer, true);
    for (const TaskId need : task.needs) add(need, false);
    for (const MetricReference& metric : task.metric_references) add(metric.task, false);
  }
  return out;
}

// `text` without bytes that mean something to the format.
std::string Escaped(const std::string& text, bool mermaid) {
  std::string out;
  for (const char c : text) {
    if (mermaid && (c == '"' || c == '#' || c == '<' || c == '>')) {
      out += fmt::format("#{};", static_cast<int>(c));
    } else if (!mermaid && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string ToDot(const ExpandedPipeline& pipeline) {
  const Picture picture = Draw(pipeline);
  std::string out =
      fmt::format("digraph \"{}\" {{\n  rankdir=LR;\n", Escaped(pipeline.name, false));
  out += "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n";
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    out += fmt::format("  n{} [label=\"{}\\n{}\"];\n", i, Escaped(picture.nodes[i].title, false),
                       Escaped(picture.nodes[i].detail, false));
  }
  for (const DrawnEdge& edge : picture.edges) {
    out += fmt::format("  n{} -> n{}{};\n", edge.from, edge.to, edge.data ? "" : " [style=dashed]");
  }
  return out + "}\n";
}

std::string ToMermaid(const ExpandedPipeline& pipeline) {
  const Picture picture = Draw(pipeline);
  std::string out = "flowchart LR\n";
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    out += fmt::format("  n{}[\"{}<br/>{}\"]\n", i, Escaped(picture.nodes[i].title, true),
                       Escaped(picture.nodes[i].detail, true));
  }
  for (const DrawnEdge& edge : picture.edges) {
    out += fmt::format("  n{} {} n{}\n", edge.from, edge.data ? "-->" : "-.->", edge.to);
  }
  return out;
}

}  // namespace dml::pipelines
