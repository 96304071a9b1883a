#include "plugins/table/csv/text_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "plugins/table/csv/unpack.h"

namespace dml::table {

namespace {

Result<int> OpenUnnamed(const std::string& directory) {
  std::string pattern = directory + "/.unpacked-XXXXXX";
  const int fd = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (fd < 0) return Error::System("cannot create a file in '" + directory + "'", errno);
  ::unlink(pattern.c_str());
  return fd;
}

Result<void> WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::System("cannot write the unpacked text", errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string FromLatin1(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

Result<int> OpenInMemory() {
  const int fd = ::memfd_create("start of a file", MFD_CLOEXEC);
  if (fd < 0) return Error::System("cannot create a file in memory", errno);
  return fd;
}

// Where files are unpacked to and how far.
struct Room {
  std::string scratch_dir;  // empty: memory
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();
};

// Replaces the open file by its plain text.
Result<void> MakePlain(TextSource::File& file, Packing packing, CsvEncoding encoding,
                       const Room& room) {
  DML_TRY(const int plain,
          room.scratch_dir.empty() ? OpenInMemory() : OpenUnnamed(room.scratch_dir));
  const int packed = std::exchange(file.fd, plain);
  std::uint64_t size = 0;
  auto unpacked = Unpack(packed, file.path, packing, [&](std::string_view block) -> Result<void> {
    const std::string text = encoding == CsvEncoding::kLatin1 ? FromLatin1(block) : "";
    const std::string_view bytes = encoding == CsvEncoding::kLatin1 ? text : block;
    if (size >= room.bytes_max) return Error::Invalid("that is enough");
    size += bytes.size();
    return WriteAll(plain, bytes);
  });
  ::close(packed);
  file.size = size;
  if (size >= room.bytes_max) return {};
  return unpacked;
}

Result<void> OpenFile(TextSource::File& file, CsvEncoding encoding, const Room& room) {
  file.fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd < 0) {
    const std::string why = Error::System("cannot open '" + file.path + "'", errno).message;
    return Error::Invalid(why, "relative paths start at the folder of the pipeline file");
  }
  struct stat status {};
  if (::fstat(file.fd, &status) != 0)
    return Error::System("cannot inspect '" + file.path + "'", errno);
  if (S_ISDIR(status.st_mode)) {
    return Error::Invalid(fmt::format("'{}' is a folder, not a file", file.path),
                          "name its files, for example with a pattern such as folder/*.csv");
  }
  file.size = static_cast<std::uint64_t>(status.st_size);
  char head[4] = {};
  const ssize_t got = ::pread(file.fd, head, sizeof head, 0);
  const Packing packing = PackingOf({head, static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
  const bool regular = S_ISREG(status.st_mode);
  if (packing == Packing::kNone && encoding == CsvEncoding::kUtf8 && regular) return {};
  return MakePlain(file, packing, encoding, room);
}

Result<void> CheckStart(const TextSource& source, TextSource::File& file) {
  if (file.size == 0) return Error::Invalid(fmt::format("'{}' is empty", file.path));
  char head[4] = {};
  DML_TRY(const std::size_t got, source.ReadAt(file, 0, head, sizeof head));
  const std::string_view start(head, got);
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    return Error::Invalid(fmt::format("'{}' is UTF-16 text", file.path),
                          fmt::format("convert it: iconv -f UTF-16 -t UTF-8 '{}'", file.path));
  }
  if (start.starts_with("PAR1")) {
    return Error::Invalid(fmt::format("'{}' is a Parquet file, not delimited text", file.path));
  }
  if (start.starts_with("PK\x03\x04")) {
    return Error::Invalid(fmt::format("'{}' is a zip archive or a spreadsheet", file.path),
                          "unpack it, or export it as CSV");
  }
  if (start.starts_with("\xEF\xBB\xBF")) file.body = 3;
  return {};
}

}  // namespace

Result<std::unique_ptr<TextSource>> TextSource::Open(const std::vector<std::string>& paths,
                                                     CsvEncoding encoding,
                                                     const std::string& scratch_dir) {
  if (paths.empty()) return Error::Invalid("there is no file to load", "check path");
  std::unique_ptr<TextSource> source(new TextSource());
  for (const std::string& path : paths) {
    source->files_.push_back({path, -1, source->size_, 0, 0});
    File& file = source->files_.back();
    DML_RETURN_IF_ERROR(OpenFile(file, encoding, {scratch_dir}));
    DML_RETURN_IF_ERROR(CheckStart(*source, file));
    source->size_ += file.size;
  }
  return source;
}

Result<std::unique_ptr<TextSource>> TextSource::OpenStart(const std::string& path,
                                                          CsvEncoding encoding) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error::Invalid(fmt::format("'{}' is no regular file", path));
  }
  std::unique_ptr<TextSource> source(new TextSource());
  source->files_.push_back({path, -1, 0, 0, 0});
  File& file = source->files_.back();
  DML_RETURN_IF_ERROR(OpenFile(file, encoding, {"", kStartBytesMax}));
  DML_RETURN_IF_ERROR(CheckStart(*source, file));
  source->size_ = file.size;
  return source;
}

TextSource::~TextSource() {
  for (const File& file : files_) {
    if (file.fd >= 0) ::close(file.fd);
  }
}

std::size_t TextSource::FileAt(std::uint64_t position) const {
  const auto after = std::ranges::upper_bound(files_, position, {}, &File::base);
  return static_cast<std::size_t>(after - files_.begin()) - 1;
}

Result<std::size_t> TextSource::ReadAt(const File& file, std::uint64_t offset, char* out,
                                       std::size_t size) const {
  std::size_t done = 0;
  while (done < size && offset + done < file.size) {
    const auto want = std::min<std::uint64_t>(size - done, file.size - offset - done);
    const ssize_t got = ::pread(file.fd, out + done, want, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::System("cannot read '" + file.path + "'", errno);
    if (got == 0) {
      return Error::Environment(fmt::format("'{}' became shorter while it was read", file.path));
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace dml::table
