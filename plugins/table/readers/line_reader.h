#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/csv/text_source.h"

namespace dml::table {

// The lines of the files of a source, one after the other, in bounded memory. Lines end in LF or
// CRLF and come without it. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(const TextSource& source) : source_(source) { Rewind(); }

  void Rewind();
  // The next line, valid until the next call; false at the end. A line of more than 64 MiB is an
  // error.
  Result<bool> Next(std::string_view& line);

  [[nodiscard]] std::uint64_t position() const { return line_position_; }  // in the whole text
  [[nodiscard]] std::string Place() const;  // "path:line" of the line last read

 private:
  Result<bool> Fill();

  const TextSource& source_;
  std::size_t file_ = 0;
  std::uint64_t offset_ = 0;  // in the file, of what is to be read next
  std::uint64_t line_number_ = 0;
  std::uint64_t line_position_ = 0;
  std::string buffer_;
  std::size_t at_ = 0;  // in buffer_
};

}  // namespace dml::table
