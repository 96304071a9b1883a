#include "plugins/steps/load/load_result.h"

namespace dml::steps {

table::LoadExecution ExecutionOf(plugins::StepContext& context) {
  table::LoadExecution execution;
  execution.threads = context.threads;
  execution.memory_bytes = context.memory_bytes;
  execution.stop = context.stop;
  plugins::StepMonitor* monitor = context.monitor;
  if (monitor != nullptr) {
    execution.progress = [monitor](double fraction, const std::string& note) {
      monitor->Progress(fraction, note);
    };
  }
  return execution;
}

void ReportLoad(const table::LoadReport& report, plugins::StepContext& context) {
  context.metrics["rows"] = report.rows;
  context.metrics["columns"] = report.schema.fields.size();
  context.metrics["bytes"] = report.bytes;
  for (std::size_t i = 0; i < report.missing.size(); ++i) {
    if (report.missing[i] == 0) continue;
    context.metrics["missing"][report.schema.fields[i].name] = report.missing[i];
  }
  context.warnings.insert(context.warnings.end(), report.warnings.begin(), report.warnings.end());
}

std::vector<MetricSpec> LoadMetrics() {
  return {{"rows", "rows of the table"},
          {"columns", "columns of the table"},
          {"bytes", "bytes that were read, or made"},
          {"missing.*", "missing values of a column that has some, by its name"}};
}

}  // namespace dml::steps
