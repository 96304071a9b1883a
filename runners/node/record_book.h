#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "runners/agent/record_file.h"

namespace dml::node {

// The records of all attempts on a node, in <root>/records: what an agent knows after the one
// before it was killed. Workers note there how their attempts stand (runners/agent/record_file.h);
// the agent gives each attempt its place, and marks what has become of it, in a byte of
//
//   <root>/records/<segment>.marks
//
// whose room on the disk is taken when the segment begins: a record can be dropped when the disk is
// full. The files of a segment are removed once all of its records are dropped. So they are made
// once for kSlots attempts, and one that runs for long keeps at most the states of so many others,
// or about kBytesMax of them.
// Single-threaded; led by one agent, read by anybody.
class RecordBook {
 public:
  static constexpr std::uint32_t kSlots = 1024;
  static constexpr std::uint64_t kBytesMax = 16U << 20;
  // A segment that still takes attempts goes when it had nothing to keep for so long.
  static constexpr Duration kIdleMax = Duration::Millis(100);

  struct Entry {
    agent::RecordPlace place;
    std::string name;   // of the attempt, as AttemptName() makes it
    bool told = false;  // the journal has its end
    agent::AttemptRecord record;
  };

  explicit RecordBook(const std::string& root);

  // Every attempt that has begun and was not dropped, as it stands, in the order of their places.
  [[nodiscard]] static std::vector<Entry> Read(const std::string& root);
  // Drops records of a node without an agent, and removes files that then keep none.
  static void DropUnled(const std::string& root, const std::vector<agent::RecordPlace>& places);

  // Takes over what there is, as Read() tells it; kEnvironment if that cannot be known. Once,
  // before anything else.
  [[nodiscard]] Result<std::vector<Entry>> TakeOver();
  // A place for an attempt that is about to be launched. Nothing if the disk has no room for it:
  // then it runs without a record.
  [[nodiscard]] std::optional<agent::RecordPlace> Add();
  // LaunchSpec::record_path for that place.
  [[nodiscard]] std::string PathOf(const agent::RecordPlace& place) const;
  // How an attempt stands now; nothing if `worker` has not begun with it.
  [[nodiscard]] std::optional<agent::AttemptRecord> Find(const agent::RecordPlace& place,
                                                         const ProcessId& worker) const;
  void MarkTold(const agent::RecordPlace& place);
  // From now on nobody finds it. Idempotent.
  void Drop(const agent::RecordPlace& place);
  // Removes the files of the present segment if it has nothing to keep.
  void Tidy(Instant now);
  // Whether Tidy() will have something to do.
  [[nodiscard]] bool Untidy() const;

 private:
  struct Segment {
    FileDescriptor marks{};
    std::uint32_t used = 0;  // slots that were given away
    std::bitset<kSlots> kept{};
  };

  Result<void> Begin();
  [[nodiscard]] bool HasRoom() const;
  void Remove(std::int64_t segment);

  const std::string folder_;
  const SystemClock clock_;
  std::map<std::int64_t, Segment> segments_;  // the last one takes attempts, if it has room
  std::int64_t last_ = 0;                     // segment ever
  Instant dropped_{0};                        // when one was dropped last
};

// Whether a file of <root>/records is of this book, or of a dml that had a file for each attempt.
[[nodiscard]] bool IsRecordName(std::string_view name);

}  // namespace dml::node
