#include "orchestrator/report/html/dag_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "orchestrator/report/dag_layout.h"
#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/svg.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr std::size_t kStepsMax = 400;
constexpr std::size_t kTasksPerStepMax = 6;

// What one box stands for: a task, or all tasks of a step.
struct Group {
  std::string label;
  std::string type;
  std::vector<std::size_t> tasks;
  std::set<std::size_t> producers;  // groups
};

std::vector<Group> GroupTasks(const RunFacts& run) {
  std::map<std::string, std::size_t> per_step;
  for (const TaskFacts& task : run.tasks) ++per_step[task.step];
  std::vector<Group> groups;
  std::map<std::string, std::size_t> group_of_key;
  std::vector<std::size_t> group_of_task(run.tasks.size());
  for (std::size_t t = 0; t < run.tasks.size(); ++t) {
    const TaskFacts& task = run.tasks[t];
    const bool merged = run.tasks.size() > kDagTasksMax || per_step[task.step] > kTasksPerStepMax;
    const std::string key = fmt::format("{} {}", merged, merged ? task.step : task.name);
    const auto [found, fresh] = group_of_key.emplace(key, groups.size());
    if (fresh) groups.push_back({merged ? task.step : task.name, task.type, {}, {}});
    groups[found->second].tasks.push_back(t);
    group_of_task[t] = found->second;
  }
  for (std::size_t t = 0; t < run.tasks.size(); ++t) {
    for (std::size_t producer : run.tasks[t].producers) {
      if (group_of_task[producer] == group_of_task[t]) continue;
      groups[group_of_task[t]].producers.insert(group_of_task[producer]);
    }
  }
  return groups;
}

// The state to worry about most: what the box is coloured by.
std::string WorstState(const RunFacts& run, const Group& group) {
  static const std::vector<std::string> order = {"failed",  "running",   "cancelled",
                                                 "skipped", "succeeded", "reused"};
  for (const std::string& state : order) {
    for (std::size_t task : group.tasks) {
      if (run.tasks[task].state == state) return state;
    }
  }
  return "waiting";
}

std::string Tooltip(const RunFacts& run, const Group& group) {
  double seconds = 0;
  for (std::size_t task : group.tasks) seconds += run.tasks[task].Seconds();
  std::string text = fmt::format("{}\n{}", group.label, group.type);
  if (group.tasks.size() == 1) {
    const TaskFacts& task = run.tasks[group.tasks.front()];
    text += fmt::format("\n{}", task.state);
    if (!task.reason.empty()) text += fmt::format(": {}", task.reason);
  } else {
    text += fmt::format("\n{} tasks", group.tasks.size());
  }
  if (seconds > 0) text += fmt::format("\n{}", SecondsText(seconds));
  return text;
}

std::string EdgePath(const std::vector<DagPoint>& points) {
  std::string path = fmt::format("M{} {}", Coordinate(points[0].x), Coordinate(points[0].y));
  for (std::size_t i = 1; i < points.size(); ++i) {
    const DagPoint a = points[i - 1];
    const DagPoint b = points[i];
    const double middle = (a.x + b.x) / 2;
    path += a.y == b.y ? fmt::format("L{} {}", Coordinate(b.x), Coordinate(b.y))
                       : fmt::format("C{0} {1} {0} {2} {3} {2}", Coordinate(middle),
                                     Coordinate(a.y), Coordinate(b.y), Coordinate(b.x));
  }
  return path;
}

}  // namespace

std::string DagSvg(const RunFacts& run) {
  const std::vector<Group> groups = GroupTasks(run);
  if (groups.empty()) return "<p class=\"dim\">no tasks</p>";
  if (groups.size() > kStepsMax) {
    return fmt::format(
        "<p class=\"dim\">{} steps: too many for a readable picture; "
        "see <code>dml graph --dot</code></p>",
        groups.size());
  }
  std::vector<DagNode> nodes;
  for (const Group& group : groups) {
    const std::string& longer = group.label.size() > group.type.size() ? group.label : group.type;
    nodes.push_back({longer, {group.producers.begin(), group.producers.end()}});
  }
  const DagLayout layout = LayOut(nodes);
  Svg svg(layout.width, layout.height, "graph of the tasks", /*fluid=*/layout.width < 1120);
  svg.Open("edges");
  for (const auto& edge : layout.edges) svg.Path(EdgePath(edge.points), "edge");
  svg.Close();
  for (std::size_t n = 0; n < groups.size(); ++n) {
    const auto& box = layout.boxes[n];
    const auto letters = static_cast<std::size_t>(box.width / 7.4);
    const std::size_t count = groups[n].tasks.size();
    const std::string times = count > 1 ? fmt::format(" \xC3\x97 {}", count) : "";
    svg.Open("node " + WorstState(run, groups[n]), Tooltip(run, groups[n]));
    if (count > 1) svg.Rect(box.x + 4, box.y - 4, box.width, box.height, "box back", 7);
    svg.Rect(box.x, box.y, box.width, box.height, "box", 7);
    svg.Rect(box.x, box.y + 9, 3.5, box.height - 18, "mark", 1.5);
    svg.Text(box.x + 13, box.y + 20, Shorten(groups[n].label + times, letters), "name");
    svg.Text(box.x + 13, box.y + 36, Shorten(groups[n].type, letters), "type");
    svg.Close();
  }
  return "<div class=\"scroll\">" + std::move(svg).Finish() + "</div>\n";
}

}  // namespace dml::report
