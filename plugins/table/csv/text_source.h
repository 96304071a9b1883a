#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plugins/table/csv/csv.h"

namespace dml::table {

// The files of a load as one plain UTF-8 text that can be read at any place. Compressed and latin1
// files are unpacked first, into an unnamed file in the scratch folder. Thread-safe once open.
class TextSource {
 public:
  struct File {
    std::string path;
    int fd = -1;
    std::uint64_t base = 0;  // of its first byte in the whole text
    std::uint64_t size = 0;
    std::uint64_t body = 0;  // where its records start, after byte order mark and header
  };

  // The start of a file, this long if it had to be unpacked (in memory). kInvalid as Open, and for
  // what is no regular file.
  static Result<std::unique_ptr<TextSource>> OpenStart(const std::string& path,
                                                       CsvEncoding encoding);
  static constexpr std::size_t kStartBytesMax = std::size_t{1} << 20;

  // kInvalid for a missing, empty, binary or UTF-16 file.
  static Result<std::unique_ptr<TextSource>> Open(const std::vector<std::string>& paths,
                                                  CsvEncoding encoding,
                                                  const std::string& scratch_dir);
  ~TextSource();
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  [[nodiscard]] std::vector<File>& files() { return files_; }
  [[nodiscard]] const std::vector<File>& files() const { return files_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // The file that holds this byte of the whole text.
  [[nodiscard]] std::size_t FileAt(std::uint64_t position) const;
  // Fills `out` from `offset` of a file on; stops short only at its end.
  [[nodiscard]] Result<std::size_t> ReadAt(const File& file, std::uint64_t offset, char* out,
                                           std::size_t size) const;

 private:
  TextSource() = default;

  std::vector<File> files_;
  std::uint64_t size_ = 0;
};

}  // namespace dml::table
