#include "orchestrator/report/graph_json.h"

#include "orchestrator/report/collect.h"

namespace dml::report {

Json GraphJson(const pipelines::ExpandedPipeline& pipeline) {
  Json tasks = Json::array();
  for (const pipelines::TaskDecl& task : pipeline.tasks) {
    Json inputs = Json::array();
    for (const auto& input : task.inputs) {
      inputs.push_back({{"port", input.port},
                        {"task", pipeline.tasks[input.producer].name},
                        {"output", input.output}});
    }
    Json needs = Json::array();
    for (TaskId need : task.needs) needs.push_back(pipeline.tasks[need].name);
    tasks.push_back({{"name", task.name},
                     {"step", task.step},
                     {"type", TypeOf(task)},
                     {"inputs", inputs},
                     {"needs", needs}});
  }
  return {{"pipeline", pipeline.name}, {"tasks", tasks}};
}

}  // namespace dml::report
