#include "cli/pipeline/cmd_graph.h"

#include "cli/pipeline/pipeline_file.h"
#include "orchestrator/report/graph_json.h"
#include "pipelines/help/graph_text.h"

namespace dml::cli {

namespace {

struct GraphOptions {
  PipelineArgs pipeline;
  bool dot = false;
  bool mermaid = false;
};

Result<ExitCode> RunGraph(const GraphOptions& options, const Output& output) {
  if (options.dot && options.mermaid) {
    return Error::Invalid("--dot and --mermaid exclude each other");
  }
  DML_TRY(const OpenedPipeline opened, OpenPipeline(options.pipeline, output));
  if (output.format() == Format::kJson) {
    output.PrintJson(report::GraphJson(opened.expanded));
  } else {
    output.Print(options.mermaid ? pipelines::ToMermaid(opened.expanded)
                                 : pipelines::ToDot(opened.expanded));
  }
  return ExitCode::kDone;
}

}  // namespace

Action SetupGraph(Args& args, CommonOptions&) {
  auto options = std::make_shared<GraphOptions>();
  AddPipelineArgs(args, options->pipeline);
  args.Flag("--dot", options->dot, "the language of Graphviz (the default)");
  args.Flag("--mermaid", options->mermaid, "the language of Mermaid, for Markdown pages");
  args.Example("dml graph --dot | dot -Tsvg > graph.svg", "a picture");
  args.Example("dml graph --mermaid", "for a README");
  return [options](Output& output) { return RunGraph(*options, output); };
}

}  // namespace dml::cli
