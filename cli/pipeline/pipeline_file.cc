#include "cli/pipeline/pipeline_file.h"

#include <filesystem>
#include <set>
#include <system_error>

#include "cli/display/refused_file.h"
#include "cli/pipeline/steps_registry.h"
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

// How files are read: those that the pipeline consists of, and those that hold secrets.
struct Readers {
  pipelines::FileReader source = pipelines::ReadSource;
  pipelines::FileReader secret = pipelines::ReadSource;
};

// `at`: as the user said; afterwards what ${schedule.time} stands for, if it is used.
Result<pipelines::LoadedPipeline> Load(const std::string& path,
                                       const std::vector<std::string>& sets, std::string& at,
                                       const Readers& readers, bool look_at_data = false) {
  bool asks_time = !at.empty();
  pipelines::LoadOptions options;
  options.catalog = &BuiltinSteps().catalog();
  options.check_schedule = schedule::CheckKey;
  options.look_at_data = look_at_data;
  DML_TRY(options.overrides, ParseSets(sets));
  options.read_file = [&](const std::string& name) {
    Result<std::string> text = readers.source(name);
    asks_time = asks_time || (text.ok() && text->find("schedule.time") != std::string::npos);
    return text;
  };
  options.read_secret = readers.secret;
  pipelines::LoadedPipeline loaded = pipelines::LoadPipeline(path, options);
  if (!loaded.ok() || !asks_time) return loaded;
  // Only the first reading tells the schedule, and with it what the time stands for.
  DML_TRY(at, ScheduleTime(loaded.schedule, at));
  options.schedule_time = at;
  return pipelines::LoadPipeline(path, options);
}

// The files that were read on the way, but for those that hold secrets, which nobody keeps.
class Sources {
 public:
  explicit Sources(std::map<std::string, std::string> kept = {}) : texts_(std::move(kept)) {}

  Readers ReadInto() {
    return {[this](const std::string& name) { return Read(name); },
            [this](const std::string& name) { return ReadSecret(name); }};
  }
  [[nodiscard]] std::map<std::string, std::string> Take() {
    for (const std::string& secret : secrets_) texts_.erase(secret);
    return std::move(texts_);
  }
  [[nodiscard]] std::string Text(const std::string& path) { return texts_[AbsolutePath(path)]; }

 private:
  // What is kept is not read again.
  Result<std::string> Read(const std::string& name) {
    const auto [entry, fresh] = texts_.try_emplace(AbsolutePath(name));
    if (!fresh) return entry->second;
    Result<std::string> text = pipelines::ReadSource(name);
    if (text.ok()) {
      entry->second = *text;
    } else {
      texts_.erase(entry);
    }
    return text;
  }
  Result<std::string> ReadSecret(const std::string& name) {
    secrets_.insert(AbsolutePath(name));
    return pipelines::ReadSource(name);
  }

  std::map<std::string, std::string> texts_;
  std::set<std::string> secrets_;
};

Result<OpenedPipeline> Opened(std::string path, pipelines::LoadedPipeline loaded, Sources& sources,
                              const Output& output) {
  if (!loaded.ok()) return RefusedFile(path, loaded.diagnostics, output);
  PrintWarnings(loaded, output);
  OpenedPipeline opened;
  opened.expanded = std::move(loaded.pipeline);
  opened.schedule = std::move(loaded.schedule);
  opened.hooks = std::move(loaded.hooks);
  opened.text = sources.Text(path);
  opened.path = std::move(path);
  opened.sources = sources.Take();
  return opened;
}

}  // namespace

void AddPipelineArgs(Args& args, PipelineArgs& pipeline) {
  args.Positional("FILE", pipeline.file, /*required=*/false,
                  "the pipeline, or a folder that holds pipeline.yaml (default: ./pipeline.yaml)");
  args.Values("-S,--set", "KEY=VALUE", pipeline.sets, "set a parameter of the pipeline");
}

void PrintWarnings(const pipelines::LoadedPipeline& loaded, const Output& output) {
  output.RawMessage(Harmless(
      pipelines::RenderText(loaded.warnings, pipelines::kPrintedDiagnosticsMax, "warning")));
}

Result<pipelines::LoadedPipeline> LoadNamedPipeline(const PipelineArgs& args, std::string& path) {
  DML_TRY(path, FindFile(args.file));
  std::string at = args.at;
  return Load(path, args.sets, at, Readers{}, args.look_at_data);
}

Result<OpenedPipeline> OpenPipeline(const PipelineArgs& args, const Output& output) {
  Sources sources;
  DML_TRY(std::string path, FindFile(args.file));
  std::string at = args.at;
  DML_TRY(pipelines::LoadedPipeline loaded,
          Load(path, args.sets, at, sources.ReadInto(), args.look_at_data));
  DML_TRY(OpenedPipeline opened, Opened(std::move(path), std::move(loaded), sources, output));
  opened.at = std::move(at);
  return opened;
}

Result<OpenedPipeline> ReopenPipeline(const std::string& path, const std::vector<std::string>& sets,
                                      std::map<std::string, std::string> sources,
                                      const Output& output, std::string at) {
  Sources kept(std::move(sources));
  DML_TRY(pipelines::LoadedPipeline loaded, Load(path, sets, at, kept.ReadInto()));
  DML_TRY(OpenedPipeline opened, Opened(path, std::move(loaded), kept, output));
  opened.at = std::move(at);
  return opened;
}

}  // namespace dml::cli
