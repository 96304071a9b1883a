#include "cli/cluster/cmd_cluster.h"
#include "cli/cmd_completion.h"
#include "cli/cmd_version.h"
#include "cli/hooks/cmd_webhook.h"
#include "cli/inspect/cmd_cache.h"
#include "cli/inspect/cmd_explain.h"
#include "cli/inspect/cmd_logs.h"
#include "cli/inspect/cmd_ls.h"
#include "cli/inspect/cmd_metrics.h"
#include "cli/inspect/cmd_report.h"
#include "cli/inspect/cmd_status.h"
#include "cli/pipeline/cmd_graph.h"
#include "cli/pipeline/cmd_schema.h"
#include "cli/pipeline/cmd_steps.h"
#include "cli/pipeline/cmd_validate.h"
#include "cli/predict/cmd_predict.h"
#include "cli/run/cmd_plan.h"
#include "cli/run/cmd_resume.h"
#include "cli/run/cmd_retry.h"
#include "cli/run/cmd_run.h"
#include "cli/run/cmd_stop.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/worker/cmd_keep.h"
#include "cli/worker/cmd_worker.h"

namespace dml::cli {

std::span<const Command> AllCommands() {
  static constexpr Command kCommands[] = {
      {"run", "run a pipeline: everything that is not up to date", SetupRun},
      {"resume", "go on with a run that was stopped or whose process died", SetupResume},
      {"retry", "run what failed again, or everything from a step on", SetupRetry},
      {"stop", "stop a run; it can be resumed", SetupStop},
      {"plan", "show what would run, and why", SetupPlan},
      {"validate", "check a pipeline and report everything that is wrong", SetupValidate},
      {"graph", "print the task graph for Graphviz or Mermaid", SetupGraph},
      {"status", "show the tasks of a run", SetupStatus},
      {"ls", "list the runs", SetupLs},
      {"logs", "print what a task wrote", SetupLogs},
      {"explain", "say why a task ran, was reused or did not run", SetupExplain},
      {"cache", "look after the results that can be reused", nullptr, /*hidden=*/false,
       CacheCommands},
      {"metrics", "show the metrics of a run, or compare two runs", SetupMetrics},
      {"report", "write a run as one HTML file", SetupReport},
      {"predict", "apply a trained model to new data", SetupPredict},
      {"schedule", "run pipelines by the clock", nullptr, /*hidden=*/false, ScheduleCommands},
      {"cluster", "the machines that pipelines run on", nullptr, /*hidden=*/false, ClusterCommands},
      {"steps", "list the step types, or describe one", SetupSteps},
      {"schema", "print the JSON Schema of the pipeline language for editors", SetupSchema},
      {"completion", "print a completion script for bash, zsh or fish", SetupCompletion},
      {"version", "print the version", SetupVersion},
      {"keep", "run a command that ends with its parent (started by dml itself)", SetupKeep,
       /*hidden=*/true},
      {"webhook", "post a document (started by dml itself)", SetupWebhook, /*hidden=*/true},
      {"worker", "run tasks for an orchestrator (started by dml itself)", SetupWorker,
       /*hidden=*/true},
  };
  return kCommands;
}

}  // namespace dml::cli
