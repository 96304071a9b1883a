#include "cli/pipeline/cmd_validate.h"

#include <fmt/format.h>

#include "cli/pipeline/pipeline_file.h"

namespace dml::cli {

namespace {

Result<ExitCode> RunValidate(const PipelineArgs& args, const Output& output) {
  std::string path;
  DML_TRY(const pipelines::LoadedPipeline loaded, LoadNamedPipeline(args, path));
  if (output.format() == Format::kJson) {
    output.PrintJson({{"valid", loaded.ok()},
                      {"tasks", loaded.ok() ? loaded.pipeline.tasks.size() : 0},
                      {"diagnostics", pipelines::RenderJson(loaded.diagnostics)},
                      {"warnings", pipelines::RenderJson(loaded.warnings)}});
    return loaded.ok() ? ExitCode::kDone : ExitCode::kUsage;
  }
  PrintWarnings(loaded, output);
  if (!loaded.ok()) {
    output.RawMessage(Harmless(pipelines::RenderText(loaded.diagnostics)));
    const std::size_t count = loaded.diagnostics.size();
    return Error::Invalid(
        fmt::format("{} {} in '{}'", count, count == 1 ? "error" : "errors", path));
  }
  if (!output.quiet()) {
    const std::size_t count = loaded.pipeline.tasks.size();
    output.Print(fmt::format("{}: valid, {} {}\n", path, count, count == 1 ? "task" : "tasks"));
  }
  return ExitCode::kDone;
}

}  // namespace

Action SetupValidate(Args& args, CommonOptions&) {
  auto options = std::make_shared<PipelineArgs>();
  AddPipelineArgs(args, *options);
  args.Describe("Reads nothing but the pipeline: data files are not opened.");
  args.Example("dml validate pipeline.yaml", "everything that is wrong, with line and column");
  args.Example("dml validate -o json", "the same for a program");
  return [options](Output& output) { return RunValidate(*options, output); };
}

}  // namespace dml::cli
