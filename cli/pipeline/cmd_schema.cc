#include "cli/pipeline/cmd_schema.h"

#include "cli/pipeline/steps_registry.h"
#include "pipelines/help/schema.h"

namespace dml::cli {

Action SetupSchema(Args& args, CommonOptions&) {
  args.Describe(
      "An editor with a YAML language server then completes and checks a pipeline whose first line "
      "is\n  # yaml-language-server: $schema=./dml.schema.json");
  args.Example("dml schema > dml.schema.json", "for your editor");
  return [](Output& output) -> Result<ExitCode> {
    output.PrintJson(pipelines::MakeSchema(BuiltinSteps().catalog()));
    return ExitCode::kDone;
  };
}

}  // namespace dml::cli
