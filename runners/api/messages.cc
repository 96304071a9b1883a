#include "runners/api/messages.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace dml::runners {

namespace {

// Parses, then lets `read` take the object apart; a wrong shape anywhere is one and the same error.
template <typename T, typename Read>
Result<T> Decode(std::string_view payload, Read read) {
  try {
    const Json json = Json::parse(payload);
    return read(json);
  } catch (const Json::exception& error) {
    return Error::Environment(std::string("a malformed message: ") + error.what());
  }
}

// Writes an object field by field: a tree of them would cost more than all the rest of a launch.
class ObjectText {
 public:
  void Text(std::string_view name, const std::string& value) {
    Name(name);
    const auto plain = [](char c) { return c >= ' ' && c < 127 && c != '"' && c != '\\'; };
    if (std::ranges::all_of(value, plain)) {
      text_.append(1, '"').append(value).append(1, '"');
    } else {
      text_ += CanonicalJson(value);
    }
  }
  void Number(std::string_view name, std::int64_t value) {
    Name(name);
    char digits[24];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  void Value(std::string_view name, const Json& value) {
    Name(name);
    text_ += CanonicalJson(value);
  }
  std::string Finish() {
    text_ += '}';
    return std::move(text_);
  }

 private:
  void Name(std::string_view name) {
    text_.append(1, text_.empty() ? '{' : ',').append(1, '"').append(name).append("\":");
  }
  std::string text_;
};

// A list that is left out when it is empty.
const Json& Optional(const Json& json, const char* name) {
  static const Json kNone = Json::array();
  const auto found = json.find(name);
  return found == json.end() ? kNone : *found;
}

Json WorkToJson(const LaunchSpec& spec) {
  if (const auto* steps = std::get_if<std::vector<NativeStep>>(&spec.work)) {
    Json list = Json::array();
    for (const NativeStep& step : *steps) list.push_back({step.uses, step.params});
    return {{"steps", std::move(list)}};
  }
  const Command& command = std::get<Command>(spec.work);
  return {{"argv", command.argv},
          {"cwd", command.work_dir},
          {"outputs", command.outputs},
          {"inputs", command.inputs},
          {"own_folder", command.own_folder}};
}

std::variant<std::vector<NativeStep>, Command> WorkFromJson(const Json& json) {
  using Paths = std::map<std::string, std::string>;
  if (const auto steps = json.find("steps"); steps != json.end()) {
    std::vector<NativeStep> list;
    for (const Json& step : *steps) list.push_back({step.at(0).get<std::string>(), step.at(1)});
    return list;
  }
  return Command{json.at("argv").get<std::vector<std::string>>(), json.at("cwd").get<std::string>(),
                 json.at("outputs").get<Paths>(), json.at("inputs").get<Paths>(),
                 json.at("own_folder").get<bool>()};
}

Json FilesToJson(const std::vector<ArtifactFile>& files) {
  Json list = Json::array();
  for (const ArtifactFile& file : files) {
    list.push_back({file.name, file.path, file.size, file.digest.Hex()});
  }
  return list;
}

Json InputsToJson(const std::vector<Artifact>& inputs) {
  Json list = Json::array();
  for (const Artifact& input : inputs) {
    list.push_back(
        {input.port, static_cast<int>(input.kind), input.digest.Hex(), FilesToJson(input.files)});
  }
  return list;
}

Json FileSetsToJson(const std::vector<FileSet>& sets) {
  Json list = Json::array();
  for (const FileSet& set : sets) list.push_back({set.pattern, FilesToJson(set.files)});
  return list;
}

Digest DigestFromJson(const Json& json) {
  auto digest = Digest::FromHex(json.get<std::string>());
  return digest.ok() ? *digest : Digest{};
}

PortKind KindFromJson(const Json& json) {
  const int kind = json.get<int>();
  return kind >= 0 && kind <= 2 ? static_cast<PortKind>(kind) : PortKind::kFile;
}

std::vector<ArtifactFile> FilesFromJson(const Json& json) {
  std::vector<ArtifactFile> files;
  for (const Json& file : json) {
    files.push_back({file.at(0).get<std::string>(), file.at(1).get<std::string>(),
                     file.at(2).get<std::int64_t>(), DigestFromJson(file.at(3))});
  }
  return files;
}

std::vector<Artifact> InputsFromJson(const Json& json) {
  std::vector<Artifact> inputs;
  for (const Json& item : json) {
    inputs.push_back({item.at(0).get<std::string>(), KindFromJson(item.at(1)),
                      FilesFromJson(item.at(3)), DigestFromJson(item.at(2))});
  }
  return inputs;
}

std::vector<FileSet> FileSetsFromJson(const Json& json) {
  std::vector<FileSet> sets;
  for (const Json& item : json) {
    sets.push_back({item.at(0).get<std::string>(), FilesFromJson(item.at(1))});
  }
  return sets;
}

Json PortsToJson(const std::vector<PortSpec>& ports) {
  Json list = Json::array();
  for (const PortSpec& port : ports) {
    list.push_back({port.name, static_cast<int>(port.kind), port.required});
  }
  return list;
}

std::vector<PortSpec> PortsFromJson(const Json& json) {
  std::vector<PortSpec> ports;
  for (const Json& item : json) {
    PortSpec port;
    port.name = item.at(0).get<std::string>();
    port.kind = KindFromJson(item.at(1));
    port.required = item.at(2).get<bool>();
    ports.push_back(std::move(port));
  }
  return ports;
}

Json ReasonToJson(const ExitReason& reason) {
  if (const auto* failure = std::get_if<ExitFailure>(&reason)) {
    const Error& error = failure->error;
    return {{"failure", failure->exit_code},
            {"oom", failure->out_of_memory},
            {"kind", static_cast<int>(error.kind)},
            {"message", error.message},
            {"hint", error.hint},
            {"where", error.where}};
  }
  if (const auto* killed = std::get_if<ExitSignal>(&reason)) {
    return {{"signal", killed->signal}, {"oom", killed->out_of_memory}};
  }
  if (std::holds_alternative<ExitTimeout>(reason)) return "timeout";
  if (std::holds_alternative<ExitKilled>(reason)) return "killed";
  return "success";
}

ExitReason ReasonFromJson(const Json& json) {
  if (json.is_string()) {
    const auto word = json.get<std::string>();
    if (word == "timeout") return ExitTimeout{};
    if (word == "killed") return ExitKilled{};
    return ExitSuccess{};
  }
  if (json.contains("signal")) {
    return ExitSignal{json.at("signal").get<int>(), json.at("oom").get<bool>()};
  }
  const int kind = json.at("kind").get<int>();
  Error error{kind >= 0 && kind <= 3 ? static_cast<ErrorKind>(kind) : ErrorKind::kTask,
              json.at("message").get<std::string>(), json.at("hint").get<std::string>(),
              json.at("where").get<std::string>()};
  return ExitFailure{std::move(error), json.at("failure").get<int>(), json.value("oom", false)};
}

}  // namespace

Json KeyToJson(const AttemptKey& key) {
  return Json::array({key.run.value, key.task.value, key.attempt.value});
}

AttemptKey KeyFromJson(const Json& json) {
  return {RunId{json.at(0).get<std::int64_t>()}, TaskId(json.at(1).get<std::uint32_t>()),
          AttemptNumber{json.at(2).get<std::uint32_t>()}};
}

std::string EncodeLaunch(const LaunchSpec& spec) {
  ObjectText object;
  object.Value("key", KeyToJson(spec.key));
  object.Text("name", spec.task_name);
  object.Value("work", WorkToJson(spec));
  if (!spec.inputs.empty()) object.Value("inputs", InputsToJson(spec.inputs));
  if (!spec.outputs.empty()) object.Value("outputs", PortsToJson(spec.outputs));
  if (!spec.env.empty()) object.Value("env", spec.env);
  if (!spec.secrets.empty()) object.Value("secrets", spec.secrets);
  object.Text("dir", spec.attempt_dir);
  if (!spec.checkpoint_dir.empty()) object.Text("checkpoint", spec.checkpoint_dir);
  object.Text("log", spec.log_path);
  if (!spec.files.empty()) object.Value("files", FileSetsToJson(spec.files));
  if (!spec.labels.empty()) object.Value("labels", spec.labels);
  if (!spec.record_path.empty()) object.Text("record", spec.record_path);
  object.Value("cpus", spec.cpus);
  object.Number("threads", spec.threads);
  object.Number("memory", spec.memory_bytes);
  object.Number("timeout", spec.timeout.ns);
  object.Number("grace", spec.grace.ns);
  return object.Finish();
}

Result<LaunchSpec> DecodeLaunch(std::string_view payload) {
  return Decode<LaunchSpec>(payload, [](const Json& json) {
    LaunchSpec spec;
    spec.key = KeyFromJson(json.at("key"));
    spec.task_name = json.at("name").get<std::string>();
    spec.work = WorkFromJson(json.at("work"));
    spec.inputs = InputsFromJson(Optional(json, "inputs"));
    spec.outputs = PortsFromJson(Optional(json, "outputs"));
    spec.env = json.value("env", spec.env);
    spec.secrets = json.value("secrets", spec.secrets);
    spec.attempt_dir = json.at("dir").get<std::string>();
    spec.checkpoint_dir = json.value("checkpoint", spec.checkpoint_dir);
    spec.log_path = json.at("log").get<std::string>();
    spec.files = FileSetsFromJson(Optional(json, "files"));
    spec.labels = json.value("labels", spec.labels);
    spec.record_path = json.value("record", spec.record_path);
    spec.cpus = json.at("cpus").get<double>();
    spec.threads = json.at("threads").get<int>();
    spec.memory_bytes = json.at("memory").get<std::int64_t>();
    spec.timeout.ns = json.at("timeout").get<std::int64_t>();
    spec.grace.ns = json.at("grace").get<std::int64_t>();
    return spec;
  });
}

std::string EncodeKey(const AttemptKey& key) { return CanonicalJson(KeyToJson(key)); }

Result<AttemptKey> DecodeKey(std::string_view payload) {
  return Decode<AttemptKey>(payload, KeyFromJson);
}

std::string EncodeKill(const KillRequest& request) {
  return CanonicalJson({{"key", KeyToJson(request.key)}, {"now", request.mode == KillMode::kKill}});
}

Result<KillRequest> DecodeKill(std::string_view payload) {
  return Decode<KillRequest>(payload, [](const Json& json) {
    return KillRequest{KeyFromJson(json.at("key")),
                       json.at("now").get<bool>() ? KillMode::kKill : KillMode::kTerminate};
  });
}

std::string EncodeStarted(const AttemptStarted& event) {
  return CanonicalJson({{"key", KeyToJson(event.key)}, {"pid", event.pid}});
}

Result<AttemptStarted> DecodeStarted(std::string_view payload) {
  return Decode<AttemptStarted>(payload, [](const Json& json) {
    return AttemptStarted{KeyFromJson(json.at("key")), json.at("pid").get<int>()};
  });
}

std::string EncodeProgress(const AttemptProgress& event) {
  return CanonicalJson(
      {{"key", KeyToJson(event.key)}, {"fraction", event.fraction}, {"note", event.note}});
}

Result<AttemptProgress> DecodeProgress(std::string_view payload) {
  return Decode<AttemptProgress>(payload, [](const Json& json) {
    return AttemptProgress{KeyFromJson(json.at("key")), json.at("fraction").get<double>(),
                           json.at("note").get<std::string>()};
  });
}

std::string EncodeExited(const AttemptExited& event) {
  ObjectText object;
  object.Value("key", KeyToJson(event.key));
  object.Value("reason", ReasonToJson(event.reason));
  if (!event.metrics.empty()) object.Value("metrics", event.metrics);
  if (!event.warnings.empty()) object.Value("warnings", event.warnings);
  object.Number("wall", event.usage.wall.ns);
  object.Number("cpu", event.usage.cpu.ns);
  object.Number("memory", event.usage.memory_bytes_max);
  return object.Finish();
}

Result<AttemptExited> DecodeExited(std::string_view payload) {
  return Decode<AttemptExited>(payload, [](const Json& json) {
    AttemptExited event;
    event.key = KeyFromJson(json.at("key"));
    event.reason = ReasonFromJson(json.at("reason"));
    event.metrics = json.value("metrics", event.metrics);
    event.warnings = json.value("warnings", event.warnings);
    event.usage.wall.ns = json.at("wall").get<std::int64_t>();
    event.usage.cpu.ns = json.at("cpu").get<std::int64_t>();
    event.usage.memory_bytes_max = json.at("memory").get<std::int64_t>();
    return event;
  });
}

}  // namespace dml::runners
