#include "cli/pipeline_file.h"

#include <filesystem>
#include <system_error>

#include "base/files.h"
#include "cli/steps_registry.h"

namespace dml::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDefaultName = "pipeline.yaml";

Result<std::string> FindFile(const std::string& name) {
  std::error_code problem;
  if (name.empty()) {
    if (fs::exists(kDefaultName, problem)) return std::string(kDefaultName);
    return Error::Invalid("no pipeline given, and there is no pipeline.yaml here",
                          "name one: `dml run FILE`");
  }
  if (fs::is_directory(name, problem)) return (fs::path(name) / kDefaultName).string();
  return name;
}

Result<std::vector<std::pair<std::string, std::string>>> ParseSets(
    const std::vector<std::string>& sets) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& set : sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error::Invalid("'-S " + set + "' is not of the form key=value", "such as `-S seed=7`");
    }
    out.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  return out;
}

}  // namespace

void AddPipelineArgs(Args& args, PipelineArgs& pipeline) {
  args.Positional("FILE", pipeline.file, /*required=*/false,
                  "the pipeline, or a folder that holds pipeline.yaml (default: ./pipeline.yaml)");
  args.Values("-S,--set", "KEY=VALUE", pipeline.sets, "set a parameter of the pipeline");
}

Result<pipelines::LoadedPipeline> LoadNamedPipeline(const PipelineArgs& args, std::string& path) {
  DML_TRY(path, FindFile(args.file));
  pipelines::LoadOptions options;
  options.catalog = &BuiltinSteps().catalog();
  DML_TRY(options.overrides, ParseSets(args.sets));
  return pipelines::LoadPipeline(path, options);
}

Result<OpenedPipeline> OpenPipeline(const PipelineArgs& args, const Output& output) {
  OpenedPipeline opened;
  DML_TRY(pipelines::LoadedPipeline loaded, LoadNamedPipeline(args, opened.path));
  if (!loaded.ok()) {
    if (output.format() == Format::kJson) {
      output.PrintJson(
          {{"valid", false}, {"diagnostics", pipelines::RenderJson(loaded.diagnostics)}});
    } else {
      output.RawMessage(Harmless(pipelines::RenderText(loaded.diagnostics)));
    }
    const std::size_t count = loaded.diagnostics.size();
    return Error::Invalid(std::to_string(count) + (count == 1 ? " error" : " errors") + " in '" +
                          opened.path + "'");
  }
  opened.expanded = std::move(loaded.pipeline);
  Result<std::string> text = ReadFile(opened.path);
  if (text.ok()) opened.text = std::move(text).value();
  return opened;
}

}  // namespace dml::cli
