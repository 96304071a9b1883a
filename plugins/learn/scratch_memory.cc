#include "plugins/learn/scratch_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "base/quantity.h"

namespace dml::learn {

namespace {

// A file without a name goes with the process, however that ends.
Result<FileDescriptor> UnnamedFile(const std::string& folder) {
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.get() < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
    std::string path = folder + "/scratch-XXXXXX";
    file = FileDescriptor(::mkostemp(path.data(), O_CLOEXEC));
    if (file.get() >= 0) ::unlink(path.c_str());
  }
  if (file.get() < 0) return Error::System("cannot make a scratch file in '" + folder + "'", errno);
  return file;
}

Result<void*> Map(std::size_t bytes, int flags, int file) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (data != MAP_FAILED) return data;
  return Error::System("cannot get " + FormatSize(static_cast<std::int64_t>(bytes)) + " of memory",
                       errno);
}

}  // namespace

Result<ScratchMemory> ScratchMemory::Make(std::uint64_t bytes, std::uint64_t memory_max,
                                          const std::string& folder) {
  ScratchMemory made;
  if (bytes == 0) return made;
  const auto size = static_cast<std::size_t>(bytes);
  void* data = nullptr;
  if (bytes <= memory_max || folder.empty()) {
    DML_TRY(data, Map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1));
  } else {
    DML_TRY(const FileDescriptor file, UnnamedFile(folder));
    // A page of a hole for which the disk has no room would end the process when it is written.
    if (const int code = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)); code != 0) {
      return Error::System("cannot keep " + FormatSize(static_cast<std::int64_t>(bytes)) +
                               " of scratch data in '" + folder + "'",
                           code);
    }
    DML_TRY(data, Map(size, MAP_SHARED, file.get()));
    made.in_file_ = true;
  }
  made.data_ = static_cast<std::byte*>(data);
  made.size_ = size;
  return made;
}

ScratchMemory::ScratchMemory(ScratchMemory&& other) noexcept { *this = std::move(other); }

ScratchMemory& ScratchMemory::operator=(ScratchMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(taken_, other.taken_);
  std::swap(in_file_, other.in_file_);
  return *this;
}

ScratchMemory::~ScratchMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace dml::learn
