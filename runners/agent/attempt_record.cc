#include "runners/agent/attempt_record.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/api/message_fields.h"

namespace dml::agent {

using runners::Is;

void Fields(auto& io, Is<AttemptRecord> auto& record) {
  io(record.key, record.worker.pid, record.worker.start, record.worker.boot, record.command_pid,
     record.command_start, record.outputs, record.attempt_dir, record.log_path, record.grace,
     record.exited);
}

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
  const std::string bytes = runners::Pack(record);
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  int code = file.get() < 0 ? errno : WriteAll(file.get(), bytes);
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
  DML_TRY(const std::string bytes, ReadFile(path));
  auto record = runners::Unpack<AttemptRecord>(bytes);
  if (!record.ok()) return Error::Environment("the record '" + path + "' is damaged");
  return record;
}

}  // namespace dml::agent
