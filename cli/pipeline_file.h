#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/args.h"
#include "cli/output.h"
#include "pipelines/load.h"

namespace dml::cli {

// The arguments by which commands name a pipeline: FILE and -S key=value.
struct PipelineArgs {
  std::string file;
  std::vector<std::string> sets;
};
void AddPipelineArgs(Args& args, PipelineArgs& pipeline);

struct OpenedPipeline {
  std::string path;  // as typed, or found
  std::string text;  // of the main file
  pipelines::ExpandedPipeline expanded;
};

// Reads, validates and expands the named pipeline. A folder means its pipeline.yaml; no name means
// ./pipeline.yaml. If it is invalid, all diagnostics are printed (as JSON on stdout with -o json)
// and the error says how many there are.
Result<OpenedPipeline> OpenPipeline(const PipelineArgs& args, const Output& output);

// Just the loading, for `dml validate`, which prints the diagnostics itself.
Result<pipelines::LoadedPipeline> LoadNamedPipeline(const PipelineArgs& args, std::string& path);

}  // namespace dml::cli
