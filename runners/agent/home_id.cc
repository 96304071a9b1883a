#include "runners/agent/home_id.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/files.h"

namespace dml::agent {

namespace {

constexpr std::size_t kRandomBytes = 16;

std::optional<std::string> ReadId(const std::string& path) {
  auto text = ReadFileUpTo(path, 2 * kRandomBytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool whole = text.ok() && text->size() == 2 * kRandomBytes &&
                     text->find_first_not_of(kDigits) == std::string::npos;
  if (!whole) return std::nullopt;
  return std::move(text).value();
}

// Under another name first: whoever reads it meanwhile sees all of it or nothing. The first to
// link it wins.
void MakeId(const std::string& path) {
  std::array<unsigned char, kRandomBytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return;
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  const std::string temporary = fmt::format("{}.{}.{}", path, ::getpid(), text.substr(0, 8));
  const FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) return;
  if (WriteAll(file.get(), text) == 0 && ::fsync(file.get()) == 0) {
    static_cast<void>(::link(temporary.c_str(), path.c_str()) == 0);
  }
  ::unlink(temporary.c_str());
}

}  // namespace

std::string HomeId(const std::string& home) {
  const std::string path = home + "/id";
  auto id = ReadId(path);
  if (!id) {
    MakeId(path);
    id = ReadId(path);
  }
  if (id) return *id;
  struct stat info {};
  if (::stat(home.c_str(), &info) != 0) return "none";
  return fmt::format("{:x}-{:x}", info.st_dev, info.st_ino);
}

}  // namespace dml::agent
