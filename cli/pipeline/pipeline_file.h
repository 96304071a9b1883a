#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/args.h"
#include "cli/display/output.h"
#include "pipelines/load.h"

namespace dml::cli {

// The arguments by which commands name a pipeline: FILE and -S key=value; run and plan also --at.
struct PipelineArgs {
  std::string file;
  std::vector<std::string> sets;
  std::string at;  // --at
  // Whether columns are checked against the data files that are there: for a run that begins now.
  bool look_at_data = false;
};
void AddPipelineArgs(Args& args, PipelineArgs& pipeline);

struct OpenedPipeline {
  std::string path;                            // as typed, or found
  std::string text;                            // of the main file
  std::map<std::string, std::string> sources;  // absolute path -> text: this file and included ones
  pipelines::ExpandedPipeline expanded;
  Json schedule;                // as in pipelines::LoadedPipeline
  Json hooks = Json::object();  // likewise
  std::string at;               // what ${schedule.time} stands for; may be empty if it is not used
};

// Reads, validates and expands the named pipeline. A folder means its pipeline.yaml; no name means
// ./pipeline.yaml. If it is invalid, all diagnostics are printed (as JSON on stdout with -o json)
// and the error says how many there are.
Result<OpenedPipeline> OpenPipeline(const PipelineArgs& args, const Output& output);

// The same from texts that were kept, such as those of an earlier run; other files that the
// pipeline names are read from the disk.
Result<OpenedPipeline> ReopenPipeline(const std::string& path, const std::vector<std::string>& sets,
                                      std::map<std::string, std::string> sources,
                                      const Output& output, std::string at = {});

// What does nothing in a pipeline that is right otherwise, on stderr.
void PrintWarnings(const pipelines::LoadedPipeline& loaded, const Output& output);

// Just the loading, for `dml validate`, which prints the diagnostics itself.
Result<pipelines::LoadedPipeline> LoadNamedPipeline(const PipelineArgs& args, std::string& path);

}  // namespace dml::cli
