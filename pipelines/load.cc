#include "pipelines/load.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "pipelines/expand/expand.h"
#include "pipelines/validate/validate.h"
#include "pipelines/yaml/parse.h"

namespace dml::pipelines {

namespace {

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

World MakeWorld(const LoadOptions& options) {
  World world;
  world.env = options.env ? options.env : ProcessEnvironment;
  world.read_file = options.read_file ? options.read_file : FileReader(ReadSource);
  world.read_secret = options.read_secret ? options.read_secret : world.read_file;
  world.schedule_time = options.schedule_time;
  world.check_schedule = options.check_schedule;
  world.look_at_data = options.look_at_data;
  return world;
}

std::string DirectoryOf(const std::string& path) {
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored).lexically_normal();
  return absolute.parent_path().string();
}

}  // namespace

Result<std::string> ReadSource(const std::string& path) {
  return ReadFileUpTo(path, kSourceBytesMax);
}

LoadedPipeline LoadPipeline(const std::string& path, const LoadOptions& options) {
  DML_CHECK(options.catalog != nullptr, "LoadPipeline needs a catalog");
  const World world = MakeWorld(options);
  LoadedPipeline out;
  Diagnostics diagnostics;
  const auto text = world.read_file(path);
  const auto source = MakeSource(path, DirectoryOf(path), text.ok() ? *text : std::string(), 0);
  if (!text.ok()) {
    diagnostics.Add({source.get(), 0, 0}, text.error().message, text.error().hint);
  } else if (auto parsed = ParseYaml(source, diagnostics)) {
    const auto document = std::make_shared<const Document>(std::move(*parsed));
    Pipeline pipeline = Validate(document, *options.catalog, world, options.overrides, diagnostics);
    if (diagnostics.empty()) {
      out.pipeline = Expand(pipeline, *options.catalog, world, diagnostics);
      out.schedule = std::move(pipeline.schedule);
      out.hooks = std::move(pipeline.hooks);
    }
  }
  out.diagnostics = diagnostics.TakeSorted();
  out.warnings = diagnostics.TakeWarnings();
  return out;
}

}  // namespace dml::pipelines
