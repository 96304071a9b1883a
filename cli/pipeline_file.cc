#include "cli/pipeline_file.h"

#include <filesystem>
#include <system_error>

#include "cli/steps_registry.h"
#include "orchestrator/schedule/policy.h"
#include "orchestrator/schedule/time_text.h"

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

std::string AbsolutePath(const std::string& path) {
  std::error_code problem;
  return fs::absolute(path, problem).lexically_normal().string();
}

// What ${schedule.time} becomes: `at`, else the latest slot of the schedule, else now.
Result<std::string> ScheduleTime(const Json& bound, const std::string& at) {
  DML_TRY(schedule::TimeZone zone, schedule::TimeZone::Find("UTC"));
  WallTime time = SystemClock().Wall();
  if (bound.is_object()) {
    DML_TRY(const schedule::Policy policy, schedule::ReadPolicy(bound));
    zone = policy.timetable.zone();
    time = policy.timetable.Latest(time).value_or(time);
  }
  if (!at.empty()) {
    DML_TRY(time, schedule::ParseTime(at, zone));
  }
  return schedule::FormatIn(zone, time);
}

// `at`: as the user said; afterwards what ${schedule.time} stands for, if it is used.
Result<pipelines::LoadedPipeline> Load(const std::string& path,
                                       const std::vector<std::string>& sets, std::string& at,
                                       const pipelines::FileReader& read,
                                       bool look_at_data = false) {
  bool asks_time = !at.empty();
  pipelines::LoadOptions options;
  options.catalog = &BuiltinSteps().catalog();
  options.check_schedule = schedule::CheckKey;
  options.look_at_data = look_at_data;
  DML_TRY(options.overrides, ParseSets(sets));
  options.read_file = [&](const std::string& name) {
    Result<std::string> text = read(name);
    asks_time = asks_time || (text.ok() && text->find("schedule.time") != std::string::npos);
    return text;
  };
  pipelines::LoadedPipeline loaded = pipelines::LoadPipeline(path, options);
  if (!loaded.ok() || !asks_time) return loaded;
  // Only the first reading tells the schedule, and with it what the time stands for.
  DML_TRY(at, ScheduleTime(loaded.schedule, at));
  options.schedule_time = at;
  return pipelines::LoadPipeline(path, options);
}

// `sources`: every file that was read on the way. Secrets are not kept.
Result<OpenedPipeline> Opened(std::string path, pipelines::LoadedPipeline loaded,
                              std::map<std::string, std::string> sources, const Output& output) {
  if (!loaded.ok()) {
    if (output.format() == Format::kJson) {
      output.PrintJson(
          {{"valid", false}, {"diagnostics", pipelines::RenderJson(loaded.diagnostics)}});
    } else {
      output.RawMessage(Harmless(pipelines::RenderText(loaded.diagnostics)));
    }
    const std::size_t count = loaded.diagnostics.size();
    return Error::Invalid(std::to_string(count) + (count == 1 ? " error" : " errors") + " in '" +
                          path + "'");
  }
  OpenedPipeline opened;
  opened.expanded = std::move(loaded.pipeline);
  opened.schedule = std::move(loaded.schedule);
  opened.hooks = std::move(loaded.hooks);
  opened.text = sources[AbsolutePath(path)];
  opened.path = std::move(path);
  for (const pipelines::TaskDecl& task : opened.expanded.tasks) {
    for (const std::string& secret : task.secret_files) sources.erase(AbsolutePath(secret));
  }
  opened.sources = std::move(sources);
  return opened;
}

}  // namespace

void AddPipelineArgs(Args& args, PipelineArgs& pipeline) {
  args.Positional("FILE", pipeline.file, /*required=*/false,
                  "the pipeline, or a folder that holds pipeline.yaml (default: ./pipeline.yaml)");
  args.Values("-S,--set", "KEY=VALUE", pipeline.sets, "set a parameter of the pipeline");
}

Result<pipelines::LoadedPipeline> LoadNamedPipeline(const PipelineArgs& args, std::string& path) {
  DML_TRY(path, FindFile(args.file));
  std::string at = args.at;
  return Load(path, args.sets, at, pipelines::ReadSource, args.look_at_data);
}

Result<OpenedPipeline> OpenPipeline(const PipelineArgs& args, const Output& output) {
  std::map<std::string, std::string> sources;
  DML_TRY(std::string path, FindFile(args.file));
  const auto read = [&](const std::string& name) {
    Result<std::string> text = pipelines::ReadSource(name);
    if (text.ok()) sources[AbsolutePath(name)] = *text;
    return text;
  };
  std::string at = args.at;
  DML_TRY(pipelines::LoadedPipeline loaded, Load(path, args.sets, at, read, args.look_at_data));
  DML_TRY(OpenedPipeline opened,
          Opened(std::move(path), std::move(loaded), std::move(sources), output));
  opened.at = std::move(at);
  PrintWarnings(loaded, output);
  return opened;
}

Result<OpenedPipeline> ReopenPipeline(const std::string& path, const std::vector<std::string>& sets,
                                      std::map<std::string, std::string> sources,
                                      const Output& output, std::string at) {
  const auto read = [&](const std::string& name) -> Result<std::string> {
    const auto kept = sources.find(AbsolutePath(name));
    if (kept != sources.end()) return kept->second;
    return pipelines::ReadSource(name);
  };
  DML_TRY(pipelines::LoadedPipeline loaded, Load(path, sets, at, read));
  DML_TRY(OpenedPipeline opened, Opened(path, std::move(loaded), std::move(sources), output));
  opened.at = std::move(at);
  return opened;
}

}  // namespace dml::cli
void PrintWarnings(const pipelines::LoadedPipeline& loaded, const Output& output) {
  output.RawMessage(Harmless(
      pipelines::RenderText(loaded.warnings, pipelines::kPrintedDiagnosticsMax, "warning")));
}

