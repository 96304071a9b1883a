#include "runners/agent/attempt_record.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/api/message_fields.h"

namespace dml::agent {

using runners::Is;

namespace {

constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

// On one machine only: in its own byte order.
void StoreLength(std::size_t length, char* to) {
  const auto stored = static_cast<std::uint32_t>(length);
  std::memcpy(to, &stored, kLengthBytes);
}
std::size_t LoadLength(const char* from) {
  std::uint32_t stored = 0;
  std::memcpy(&stored, from, kLengthBytes);
  return stored;
}

}  // namespace

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

Result<void> AppendRecord(const std::string& path, const AttemptRecord& record) {
  const std::string packed = runners::Pack(record);
  std::string bytes(kLengthBytes, '\0');
  StoreLength(packed.size(), bytes.data());
  bytes += packed;
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (file.get() < 0) return Error::System("cannot write '" + path + "'", errno);
  const off_t before = ::lseek(file.get(), 0, SEEK_END);
  int code = WriteAll(file.get(), bytes);
  // Half a state would hide those that follow.
  if (code != 0 && ::ftruncate(file.get(), before) != 0) code = errno;
  const int closed = file.Close();
  if (code == 0) code = closed;
  if (code != 0) return Error::System("cannot write '" + path + "'", code);
  return {};
}

Result<AttemptRecord> ReadRecord(const std::string& path) {
  DML_TRY(const std::string bytes, ReadFile(path));
  std::string_view last;
  std::string_view rest = bytes;
  while (rest.size() >= kLengthBytes) {
    const std::size_t length = LoadLength(rest.data());
    rest.remove_prefix(kLengthBytes);
    if (length > rest.size()) break;  // it is being written
    last = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  auto record = runners::Unpack<AttemptRecord>(last);
  if (!record.ok()) return Error::Environment("the record '" + path + "' is damaged");
  return record;
}

}  // namespace dml::agent
