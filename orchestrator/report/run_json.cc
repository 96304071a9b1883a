#include "orchestrator/report/run_json.h"

#include "base/quantity.h"

namespace dml::report {

Json RunJson(const RunFacts& run) {
  Json tasks = Json::array();
  for (const TaskFacts& task : run.tasks) {
    tasks.push_back({{"name", task.name},
                     {"step", task.step},
                     {"type", task.type.empty() ? Json() : Json(task.type)},
                     {"state", task.state},
                     {"reason", task.reason},
                     {"attempts", task.attempts.size()},
                     {"seconds", task.Seconds()},
                     {"cpu_seconds", task.cpu_seconds},
                     {"memory_bytes_max", task.memory_bytes_max},
                     {"metrics", task.metrics},
                     {"warnings", task.warnings},
                     {"error", task.error.empty() ? Json() : Json(task.error)}});
  }
  return {{"run", run.id},
          {"pipeline", run.pipeline},
          {"file", run.file},
          {"outcome", run.state},
          {"started", FormatUtc(run.started)},
          {"finished", run.ended.us > 0 ? Json(FormatUtc(run.ended)) : Json()},
          {"params", run.params},
          {"tasks", tasks}};
}

}  // namespace dml::report
