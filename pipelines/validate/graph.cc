#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "pipelines/validate/context.h"

namespace dml::pipelines {

namespace {

struct Edge {
  std::size_t from = 0;  // the producer
  Place place;           // where the consumer names it
};

std::vector<Edge> Producers(const StepDecl& step) {
  std::vector<Edge> out;
  for (const InputDecl& input : step.inputs) {
    for (const ProducerDecl& p : input.producers) out.push_back({p.step, p.place});
  }
  for (const ProducerDecl& p : step.needs) out.push_back({p.step, p.place});
  for (const MetricUse& use : step.metrics) out.push_back({use.step, use.node->place});
  return out;
}

enum class Mark : std::uint8_t { kNew, kOpen, kDone };

struct Frame {
  std::size_t step = 0;
  std::vector<Edge> edges;
  std::size_t next = 0;
};

void ReportCycle(ValidateContext& context, const std::vector<Frame>& stack, const Edge& back) {
  const auto first = std::ranges::find(stack, back.from, &Frame::step);
  std::string path;
  for (auto frame = first; frame != stack.end(); ++frame) {
    path += context.pipeline.steps[frame->step].id + " -> ";
  }
  path += context.pipeline.steps[back.from].id;
  context.diagnostics.Add(back.place, fmt::format("steps wait for each other: {}", path),
                          "each arrow reads \"needs\"; remove one of them");
}

}  // namespace

void CheckCycles(ValidateContext& context) {
  const std::vector<StepDecl>& steps = context.pipeline.steps;
  std::vector<Mark> marks(steps.size(), Mark::kNew);
  for (std::size_t root = 0; root < steps.size(); ++root) {
    if (marks[root] != Mark::kNew) continue;
    std::vector<Frame> stack{{root, Producers(steps[root])}};
    marks[root] = Mark::kOpen;
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next == top.edges.size()) {
        marks[top.step] = Mark::kDone;
        stack.pop_back();
        continue;
      }
      const Edge edge = top.edges[top.next++];
      if (marks[edge.from] == Mark::kOpen) {
        ReportCycle(context, stack, edge);
      } else if (marks[edge.from] == Mark::kNew) {
        marks[edge.from] = Mark::kOpen;
        stack.push_back({edge.from, Producers(steps[edge.from])});
      }
    }
  }
}

}  // namespace dml::pipelines
