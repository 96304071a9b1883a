#include "runners/node/record_book.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/files.h"
#include "runners/node/territory.h"

namespace dml::node {

namespace fs = std::filesystem;

using agent::RecordPlace;

namespace {

constexpr std::string_view kMarksEnd = ".marks";
constexpr std::string_view kStatesEnd = ".states";
constexpr int kAttemptNameDots = 3;
// No node gets there. A file that says so is nobody's of this program, and the numbers that follow
// it would not be numbers.
constexpr std::int64_t kSegmentMax = std::int64_t{1} << 53;
// How large a segment has become is looked at before every so many attempts.
constexpr std::uint32_t kLookInterval = 16;

// Of a record, in the file of marks. What never got one is kept.
constexpr char kKeptMark = '\0';
constexpr char kToldMark = 't';
constexpr char kDroppedMark = 'd';

std::string RecordFolder(const std::string& root) { return root + "/records"; }

std::string MarksPath(const std::string& folder, std::int64_t segment) {
  return fmt::format("{}/{}{}", folder, segment, kMarksEnd);
}

// The numbers of a name, "1.2.3"; nothing if it is made of anything else.
std::optional<std::vector<std::int64_t>> NumbersOf(std::string_view name) {
  std::vector<std::int64_t> numbers;
  const char* at = name.data();
  const char* const end = name.data() + name.size();
  while (true) {
    std::int64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0) return std::nullopt;
    numbers.push_back(number);
    if (next == end) return numbers;
    if (*next != '.') return std::nullopt;
    at = next + 1;
  }
}

// The segment that a file is of, if it is a file of a book.
std::optional<std::int64_t> SegmentOf(std::string_view file) {
  const bool marks = file.ends_with(kMarksEnd);
  if (!marks && !file.ends_with(kStatesEnd)) return std::nullopt;
  const std::size_t end = marks ? kMarksEnd.size() : kStatesEnd.size();
  const auto numbers = NumbersOf(file.substr(0, file.size() - end));
  const std::size_t expected = marks ? 1 : 3;  // segment, process, its start
  if (!numbers || numbers->size() != expected || numbers->front() > kSegmentMax) {
    return std::nullopt;
  }
  return numbers->front();
}

struct SegmentFiles {
  std::vector<std::string> states;
};

std::map<std::int64_t, SegmentFiles> ListSegments(const std::string& folder,
                                                  std::error_code& error) {
  std::map<std::int64_t, SegmentFiles> segments;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    const auto segment = SegmentOf(name);
    if (!segment) continue;
    SegmentFiles& files = segments[*segment];
    if (name.ends_with(kStatesEnd)) files.states.push_back(it->path().string());
  }
  return segments;
}

// What there is, as far as it can be listed.
std::map<std::int64_t, SegmentFiles> ListSegments(const std::string& folder) {
  std::error_code ignored;
  return ListSegments(folder, ignored);
}

std::uint64_t BytesOf(const SegmentFiles& files) {
  std::uint64_t bytes = 0;
  for (const std::string& path : files.states) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (!error) bytes += size;
  }
  return bytes;
}

// The marks last: without them, all that is there would count as kept.
void RemoveFiles(const std::string& folder, std::int64_t segment) {
  const auto segments = ListSegments(folder);
  const auto found = segments.find(segment);
  if (found == segments.end()) return;
  for (const std::string& path : found->second.states) ::unlink(path.c_str());
  ::unlink(MarksPath(folder, segment).c_str());
}

void SetMark(int marks, std::uint32_t slot, char mark) {
  // Into room that the file has already: there is nothing to do about a disk that refuses this.
  [[maybe_unused]] const ssize_t put = ::pwrite(marks, &mark, 1, slot);
}

void ReadSegment(const std::string& folder, std::int64_t segment, const SegmentFiles& files,
                 std::vector<RecordBook::Entry>& entries) {
  const auto read = ReadFile(MarksPath(folder, segment));
  const std::string marks = read.ok() ? *read : "";
  std::map<std::uint32_t, agent::AttemptRecord> last;
  for (const std::string& path : files.states) {
    for (agent::SlotState& state : agent::ReadStates(path)) {
      last.insert_or_assign(state.slot, std::move(state.record));
    }
  }
  for (auto& [slot, record] : last) {
    const char mark = slot < marks.size() ? marks[slot] : kKeptMark;
    std::string name = fs::path(record.attempt_dir).filename().string();
    const bool plain = IsAttemptName(name) && std::ranges::count(name, '.') == kAttemptNameDots;
    if (mark == kDroppedMark || slot >= RecordBook::kSlots || !plain) continue;
    entries.push_back({{segment, slot}, std::move(name), mark == kToldMark, std::move(record)});
  }
}

}  // namespace

bool IsRecordName(std::string_view name) { return SegmentOf(name) || IsAttemptName(name); }

RecordBook::RecordBook(const std::string& root) : folder_(RecordFolder(root)) {}

std::vector<RecordBook::Entry> RecordBook::Read(const std::string& root) {
  std::vector<Entry> entries;
  const std::string folder = RecordFolder(root);
  const auto segments = ListSegments(folder);
  for (const auto& [segment, files] : segments) ReadSegment(folder, segment, files, entries);
  return entries;
}

void RecordBook::DropUnled(const std::string& root, const std::vector<RecordPlace>& places) {
  const std::string folder = RecordFolder(root);
  std::set<std::int64_t> touched;
  for (const RecordPlace& place : places) {
    const std::string path = MarksPath(folder, place.segment);
    const FileDescriptor marks(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    SetMark(marks.get(), place.slot, kDroppedMark);
    touched.insert(place.segment);
  }
  if (touched.empty()) return;
  for (const Entry& entry : Read(root)) touched.erase(entry.place.segment);
  for (const std::int64_t segment : touched) RemoveFiles(folder, segment);
}

Result<std::vector<RecordBook::Entry>> RecordBook::TakeOver() {
  std::error_code error;
  for (fs::directory_iterator it(folder_, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    // Of a dml that had a file for each attempt: nobody can take that up.
    if (IsAttemptName(it->path().filename().string())) ::unlink(it->path().c_str());
  }
  // What is not found here counts as never begun.
  const auto there = ListSegments(folder_, error);
  if (error) return Error::System("cannot list '" + folder_ + "'", error.value());
  const std::string root = fs::path(folder_).parent_path().string();
  std::vector<Entry> entries = Read(root);
  for (const auto& [number, files] : there) {
    Segment& segment = segments_[number];
    const std::string path = MarksPath(folder_, number);
    segment.marks = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    segment.used = kSlots;
    last_ = std::max(last_, number);
  }
  for (const Entry& entry : entries) segments_[entry.place.segment].kept.set(entry.place.slot);
  for (const auto& [number, files] : there) {
    if (segments_.at(number).kept.none()) Remove(number);
  }
  return entries;
}

Result<void> RecordBook::Begin() {
  if (last_ >= kSegmentMax) return Error::Environment("there are no more numbers for records");
  const std::string path = MarksPath(folder_, last_ + 1);
  FileDescriptor marks(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  int code = marks.get() < 0 ? errno : 0;
  if (code == 0) code = WriteAll(marks.get(), std::string(kSlots, kKeptMark));
  if (code != 0) {
    ::unlink(path.c_str());
    return Error::System("cannot write '" + path + "'", code);
  }
  segments_[++last_].marks = std::move(marks);
  return {};
}

bool RecordBook::HasRoom() const {
  if (segments_.empty()) return false;
  const auto& [number, segment] = *segments_.rbegin();
  if (segment.used == kSlots) return false;
  if (segment.used % kLookInterval != 0) return true;
  const auto there = ListSegments(folder_);
  const auto found = there.find(number);
  return found == there.end() || BytesOf(found->second) < kBytesMax;
}

std::optional<RecordPlace> RecordBook::Add() {
  if (!HasRoom()) {
    if (!segments_.empty()) segments_.rbegin()->second.used = kSlots;
    if (Untidy()) Remove(segments_.rbegin()->first);
    if (!Begin().ok()) return std::nullopt;
  }
  auto& [number, segment] = *segments_.rbegin();
  const std::uint32_t slot = segment.used++;
  segment.kept.set(slot);
  return RecordPlace{number, slot};
}

std::string RecordBook::PathOf(const RecordPlace& place) const {
  return agent::RecordPathOf(folder_, place);
}

std::optional<agent::AttemptRecord> RecordBook::Find(const RecordPlace& place,
                                                     const ProcessId& worker) const {
  std::optional<agent::AttemptRecord> found;
  for (agent::SlotState& state :
       agent::ReadStates(agent::StatesPathOf(folder_, place.segment, worker))) {
    if (state.slot == place.slot) found = std::move(state.record);
  }
  return found;
}

void RecordBook::MarkTold(const RecordPlace& place) {
  const auto found = segments_.find(place.segment);
  if (found == segments_.end() || !found->second.kept.test(place.slot)) return;
  SetMark(found->second.marks.get(), place.slot, kToldMark);
}

void RecordBook::Drop(const RecordPlace& place) {
  const auto found = segments_.find(place.segment);
  if (found == segments_.end() || !found->second.kept.test(place.slot)) return;
  Segment& segment = found->second;
  SetMark(segment.marks.get(), place.slot, kDroppedMark);
  segment.kept.reset(place.slot);
  dropped_ = clock_.Now();
  if (segment.used == kSlots && segment.kept.none()) Remove(place.segment);
}

bool RecordBook::Untidy() const {
  return !segments_.empty() && segments_.rbegin()->second.kept.none();
}

void RecordBook::Tidy(Instant now) {
  if (Untidy() && now - dropped_ >= kIdleMax) Remove(segments_.rbegin()->first);
}

void RecordBook::Remove(std::int64_t segment) {
  segments_.erase(segment);
  RemoveFiles(folder_, segment);
}

}  // namespace dml::node
