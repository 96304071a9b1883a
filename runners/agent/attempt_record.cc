#include "runners/agent/attempt_record.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/api/messages.h"

namespace dml::agent {

namespace {

Json OutputsToJson(const std::vector<PortSpec>& ports) {
  Json list = Json::array();
  for (const PortSpec& port : ports) {
    list.push_back({port.name, static_cast<int>(port.kind), port.required});
  }
  return list;
}

std::vector<PortSpec> OutputsFromJson(const Json& json) {
  std::vector<PortSpec> ports;
  for (const Json& item : json) {
    PortSpec port;
    port.name = item.at(0).get<std::string>();
    const int kind = item.at(1).get<int>();
    port.kind = kind >= 0 && kind <= 2 ? static_cast<PortKind>(kind) : PortKind::kFile;
    port.required = item.at(2).get<bool>();
    ports.push_back(std::move(port));
  }
  return ports;
}

Json ToJson(const AttemptRecord& record) {
  Json json{{"key", runners::KeyToJson(record.key)},
            {"worker", {record.worker.pid, record.worker.start, record.worker.boot}},
            {"command", record.command_pid},
            {"command_start", record.command_start},
            {"outputs", OutputsToJson(record.outputs)},
            {"dir", record.attempt_dir},
            {"log", record.log_path},
            {"grace", record.grace.ns}};
  if (record.exited) json["exited"] = runners::EncodeExited(*record.exited);
  return json;
}

Result<AttemptRecord> FromJson(const Json& json) {
  AttemptRecord record;
  record.key = runners::KeyFromJson(json.at("key"));
  const Json& worker = json.at("worker");
  record.worker = {worker.at(0).get<int>(), worker.at(1).get<std::int64_t>(),
                   worker.at(2).get<std::string>()};
  record.command_pid = json.at("command").get<int>();
  record.command_start = json.value("command_start", std::int64_t{0});
  record.outputs = OutputsFromJson(json.at("outputs"));
  record.attempt_dir = json.at("dir").get<std::string>();
  record.log_path = json.at("log").get<std::string>();
  record.grace.ns = json.at("grace").get<std::int64_t>();
  if (const auto exited = json.find("exited"); exited != json.end()) {
    DML_TRY(record.exited, runners::DecodeExited(exited->get<std::string>()));
  }
  return record;
}

}  // namespace

AttemptRecord BeginRecord(const runners::LaunchSpec& spec) {
  static const ProcessId self = ThisProcess();
  return {spec.key,         self,          0,          0,           spec.outputs,
          spec.attempt_dir, spec.log_path, spec.grace, std::nullopt};
}

bool SignalCommand(const AttemptRecord& record, int signal) {
  if (record.command_pid <= 0 || record.worker.boot != BootId()) return false;
  // The number of a group is not given away while a process is in it, even without its leader.
  const auto start = StartOf(record.command_pid);
  if (record.command_start != 0 && start && *start != record.command_start) return false;
  return ::kill(-record.command_pid, signal) == 0;
}

Result<void> WriteRecord(const std::string& path, const AttemptRecord& record) {
  const std::string temporary = path + ".new";
  const std::string text = CanonicalJson(ToJson(record));
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  int code = file.get() < 0 ? errno : WriteAll(file.get(), text);
  if (code == 0) code = file.Close();
  if (code != 0) {
    ::unlink(temporary.c_str());
    return Error::System("cannot write '" + temporary + "'", code);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return Error::System("cannot write '" + path + "'", errno);
  }
  return {};
}

Result<AttemptRecord> ReadRecord(const std::string& path) {
  DML_TRY(const std::string text, ReadFile(path));
  try {
    return FromJson(Json::parse(text));
  } catch (const Json::exception& error) {
    return Error::Environment("the record '" + path + "' is damaged: " + error.what());
  }
}

}  // namespace dml::agent
