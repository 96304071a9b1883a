#include "cli/run/cmd_plan.h"

#include "cli/run/plan_text.h"
#include "cli/run/run_options.h"

namespace dml::cli {

Action SetupPlan(Args& args, CommonOptions& common) {
  auto options = std::make_shared<RunArgs>();
  AddRunArgs(args, *options);
  args.Flag("--explain", options->explain,
            "everything that has changed for a task, not only the first of it");
  args.Describe(
      "The same as `dml run -n`. Runs nothing and writes nothing but a cache of file hashes.");
  args.Example("dml plan pipeline.yaml", "what would run, and the reason for each task");
  args.Example("dml plan --explain", "every field that differs from the last run");
  args.Example("dml plan -S seed=7", "with another parameter");
  return [options, &common](Output& output) { return PrintPlan(*options, common.home, output); };
}

}  // namespace dml::cli
