#include "plugins/table/readers/line_reader.h"

#include <fmt/format.h>

namespace dml::table {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kLineMax = std::size_t{64} << 20;

}  // namespace

void LineReader::Rewind() {
  file_ = 0;
  offset_ = source_.files().front().body;
  line_number_ = 0;
  buffer_.clear();
  at_ = 0;
}

// Appends a block; false at the end of the file.
Result<bool> LineReader::Fill() {
  const TextSource::File& file = source_.files()[file_];
  buffer_.erase(0, at_);
  at_ = 0;
  if (offset_ >= file.size) return false;
  const std::size_t kept = buffer_.size();
  if (kept > kLineMax) {
    return Error::Invalid("the line is longer than 64 MiB")
        .At(fmt::format("{}:{}", file.path, line_number_ + 1));
  }
  buffer_.resize(kept + kBlock);
  DML_TRY(const std::size_t got, source_.ReadAt(file, offset_, buffer_.data() + kept, kBlock));
  buffer_.resize(kept + got);
  offset_ += got;
  return true;
}

Result<bool> LineReader::Next(std::string_view& line) {
  while (true) {
    const std::size_t end = buffer_.find('\n', at_);
    const TextSource::File& file = source_.files()[file_];
    line_position_ = file.base + offset_ - (buffer_.size() - at_);
    if (end != std::string::npos) {
      line = std::string_view(buffer_).substr(at_, end - at_);
      at_ = end + 1;
      break;
    }
    DML_TRY(const bool more, Fill());
    if (more) continue;
    if (at_ < buffer_.size()) {  // the last line has no line break
      line = std::string_view(buffer_).substr(at_);
      at_ = buffer_.size();
      break;
    }
    if (file_ + 1 == source_.files().size()) return false;
    ++file_;
    offset_ = source_.files()[file_].body;
    line_number_ = 0;
  }
  ++line_number_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

std::string LineReader::Place() const {
  return fmt::format("{}:{}", source_.files()[file_].path, line_number_);
}

}  // namespace dml::table
