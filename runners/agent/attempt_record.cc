#include "runners/agent/attempt_record.h"

#include <signal.h>

namespace dml::agent {

AttemptRecord BeginRecord(const runners::LaunchSpec& spec) {
  static const ProcessId self = ThisProcess();
  AttemptRecord record;
  record.key = spec.key;
  record.worker = self;
  record.outputs = spec.outputs;
  record.attempt_dir = spec.attempt_dir;
  record.log_path = spec.log_path;
  record.grace = spec.grace;
  return record;
}

bool SignalCommand(const AttemptRecord& record, int signal) {
  if (record.command_pid <= 0 || record.worker.boot != BootId()) return false;
  // The number of a group is not given away while a process is in it, even without its leader.
  const auto start = StartOf(record.command_pid);
  if (record.command_start != 0 && start && *start != record.command_start) return false;
  return ::kill(-record.command_pid, signal) == 0;
}

}  // namespace dml::agent
