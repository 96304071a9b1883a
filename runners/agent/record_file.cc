#include "runners/agent/record_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/files.h"
#include "base/hash.h"
#include "runners/api/message_fields.h"

namespace dml::agent {

using runners::Is;

void Fields(auto& io, Is<AttemptRecord> auto& record) {
  io(record.key, record.worker.pid, record.worker.start, record.worker.boot, record.command_pid,
     record.command_start, record.outputs, record.attempt_dir, record.log_path, record.grace,
     record.noted.us, record.exited);
}

void Fields(auto& io, Is<SlotState> auto& state) { io(state.slot, state.record); }

namespace {

// Before each state. On one machine only: in its own byte order.
struct StateHeader {
  std::uint64_t checksum = 0;
  std::uint64_t length = 0;
};

std::uint64_t ChecksumOf(std::string_view state) {
  const Digest digest = Sha256::Of(state);
  std::uint64_t first = 0;
  std::memcpy(&first, digest.bytes.data(), sizeof first);
  return first;
}

std::string Framed(const SlotState& state) {
  const std::string packed = runners::Pack(state);
  const StateHeader header{ChecksumOf(packed), packed.size()};
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes + packed;
}

template <typename Number>
bool ReadWhole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

struct FolderAndPlace {
  std::string folder;
  RecordPlace place;
};

std::optional<FolderAndPlace> PartsOf(const std::string& record_path) {
  const std::size_t slash = record_path.rfind('/');
  const std::size_t dot = record_path.rfind('.');
  if (slash == record_path.npos || dot == record_path.npos || dot < slash) return std::nullopt;
  const std::string_view text = record_path;
  FolderAndPlace parts{record_path.substr(0, slash), {}};
  const bool fine = ReadWhole(text.substr(slash + 1, dot - slash - 1), parts.place.segment) &&
                    ReadWhole(text.substr(dot + 1), parts.place.slot);
  return fine ? std::optional(std::move(parts)) : std::nullopt;
}

}  // namespace

std::string RecordPathOf(const std::string& folder, const RecordPlace& place) {
  return fmt::format("{}/{}.{}", folder, place.segment, place.slot);
}

std::string StatesPathOf(const std::string& folder, std::int64_t segment, const ProcessId& worker) {
  return fmt::format("{}/{}.{}.{}.states", folder, segment, worker.pid, worker.start);
}

Result<void> RecordWriter::Open(const std::string& path) {
  if (path == path_) return {};
  path_.clear();
  file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (file_.get() < 0) return Error::System("cannot write '" + path + "'", errno);
  path_ = path;
  return {};
}

Result<void> RecordWriter::Append(const std::string& record_path, const AttemptRecord& record) {
  const auto parts = PartsOf(record_path);
  if (!parts) return Error::Environment("'" + record_path + "' is no place of a record");
  DML_RETURN_IF_ERROR(Open(StatesPathOf(parts->folder, parts->place.segment, record.worker)));
  const off_t before = ::lseek(file_.get(), 0, SEEK_END);
  int code = WriteAll(file_.get(), Framed({parts->place.slot, record}));
  if (code == 0) return {};
  // Half a state would hide those that follow.
  if (::ftruncate(file_.get(), before) != 0) code = errno;
  return Error::System("cannot write '" + path_ + "'", code);
}

std::vector<SlotState> ReadStates(const std::string& path) {
  std::vector<SlotState> states;
  const auto bytes = ReadFile(path);
  if (!bytes.ok()) return states;
  std::string_view rest = *bytes;
  StateHeader header;
  while (rest.size() >= sizeof header) {
    std::memcpy(&header, rest.data(), sizeof header);
    rest.remove_prefix(sizeof header);
    if (header.length > rest.size()) break;  // it is being written, or never will be
    const std::string_view packed = rest.substr(0, header.length);
    if (header.checksum != ChecksumOf(packed)) break;
    auto state = runners::Unpack<SlotState>(packed);
    if (!state.ok()) break;
    states.push_back(std::move(state).value());
    rest.remove_prefix(header.length);
  }
  return states;
}

}  // namespace dml::agent
