#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/process.h"
#include "base/result.h"
#include "runners/agent/attempt_record.h"

// Records of attempts, as the workers of a node note them. A file for each attempt would be most of
// what a short one costs its node; so a worker has one file for all of its attempts of a segment,
// which are those launched within a while (runners/node/record_book.h):
//
//   <folder>/<segment>.<pid>.<start>.states
//
// Every state of every attempt is appended: its length, the slot of the attempt in the segment, a
// checksum, the record. Only the worker writes there. If it is killed in the middle, the last state
// is cut short, which its length and checksum tell: it counts as not written. Not synced: a record
// means nothing after the machine was started anew.
namespace dml::agent {

struct RecordPlace {
  std::int64_t segment = 0;
  std::uint32_t slot = 0;
  friend auto operator<=>(const RecordPlace&, const RecordPlace&) = default;
};

// LaunchSpec::record_path of the attempt whose record has that place: no file, but
// "<folder>/<segment>.<slot>".
[[nodiscard]] std::string RecordPathOf(const std::string& folder, const RecordPlace& place);

// The file of one worker in a segment.
[[nodiscard]] std::string StatesPathOf(const std::string& folder, std::int64_t segment,
                                       const ProcessId& worker);

// Of one worker. Single-threaded.
class RecordWriter {
 public:
  // Appends how an attempt stands now to the file of `record.worker`. After an error there is no
  // trace of that state.
  Result<void> Append(const std::string& record_path, const AttemptRecord& record);

 private:
  Result<void> Open(const std::string& path);

  FileDescriptor file_;
  std::string path_;  // of `file_`
};

struct SlotState {
  std::uint32_t slot = 0;
  AttemptRecord record;
};

// Every whole state of a file, in the order in which they were written. May be read while it is
// written. Empty if there is no such file.
[[nodiscard]] std::vector<SlotState> ReadStates(const std::string& path);

}  // namespace dml::agent
