#include "runners/node/blob_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/files.h"
#include "base/process.h"
#include "base/sealed_file.h"
#include "runners/node/disk.h"
#include "runners/node/territory.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kRehashBytes = 1U << 20;

Result<void> WriteAll(int fd, std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::System("cannot write a blob", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return {};
}

}  // namespace

Result<BlobCache> BlobCache::Open(const std::string& root) {
  const std::string folder = root + "/blobs";
  const std::string boot_path = root + "/blobs.boot";
  const auto boot = ReadFile(boot_path);
  if (!boot.ok() || *boot != BootId()) {
    DML_RETURN_IF_ERROR(RemoveBlobs(folder));
    DML_RETURN_IF_ERROR(WriteFileAtomic(boot_path, BootId()));
  }
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  return BlobCache(folder);
}

std::string BlobCache::PathOf(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return folder_ + "/" + hex.substr(0, 2) + "/" + hex.substr(2);
}

std::string BlobCache::PartialPath(const Digest& digest) const {
  return folder_ + "/" + digest.Hex() + ".part";
}

void BlobCache::Share(const SharedBlobs& shared) {
  const bool known = std::ranges::any_of(
      shared_, [&](const SharedBlobs& one) { return one.folder() == shared.folder(); });
  if (!known) shared_.push_back(shared);
}

std::string BlobCache::Find(const Digest& digest) const {
  std::string own = PathOf(digest);
  if (::access(own.c_str(), F_OK) == 0) return own;
  for (const SharedBlobs& shared : shared_) {
    if (std::string path = shared.PathOf(digest); ::access(path.c_str(), F_OK) == 0) return path;
  }
  return own;
}

bool BlobCache::Holds(const Digest& digest) const {
  return Touch(PathOf(digest)) || std::ranges::any_of(shared_, [&](const SharedBlobs& shared) {
           return shared.Holds(digest);
         });
}

bool BlobCache::Hold(const Digest& digest, const std::string& folder) const {
  const bool linked = ::link(Find(digest).c_str(), (folder + "/" + digest.Hex()).c_str()) == 0;
  return (linked || errno != ENOENT) && Holds(digest);
}

std::int64_t BlobCache::PartialBytes(const Digest& digest) const {
  struct stat info {};
  if (arriving_.contains(digest)) return BlobState::kArriving;
  return ::stat(PartialPath(digest).c_str(), &info) == 0 ? info.st_size : 0;
}

Result<void> BlobCache::Begin(const BlobRange& range) {
  if (arriving_.contains(range.digest)) {
    return Error::Busy("the same blob arrives from somebody else");
  }
  const std::int64_t needed = range.size - range.offset + kReserveBytes;
  const auto fits = [&] { return FreeBytes(folder_) >= needed; };
  if (!fits() && (Evict(kStagedMax) == 0 || !fits())) return DiskFull(folder_, needed);
  const std::string path = PartialPath(range.digest);
  Arriving arriving;
  arriving.fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (arriving.fd < 0) return Error::System("cannot write '" + path + "'", errno);
  arriving.size = range.size;
  std::string block(kRehashBytes, '\0');
  while (arriving.offset < range.offset) {
    const auto want = std::min<std::int64_t>(range.offset - arriving.offset, kRehashBytes);
    const ssize_t got =
        ::pread(arriving.fd, block.data(), static_cast<std::size_t>(want), arriving.offset);
    if (got <= 0) {
      ::close(arriving.fd);
      ::unlink(path.c_str());
      return Error::Environment("the rest of a broken transfer is gone");
    }
    arriving.hash.Update(std::string_view(block).substr(0, static_cast<std::size_t>(got)));
    arriving.offset += got;
  }
  const bool empty = range.size == 0;
  const auto [it, inserted] = arriving_.emplace(range.digest, std::move(arriving));
  return empty ? Complete(range.digest, it->second) : Result<void>();
}

std::optional<BlobRange> BlobCache::Rest(const Digest& digest) const {
  const auto found = arriving_.find(digest);
  if (found == arriving_.end()) return std::nullopt;
  return BlobRange{digest, found->second.size, found->second.offset};
}

Result<bool> BlobCache::Write(const Digest& digest, std::int64_t offset, std::string_view bytes) {
  const auto found = arriving_.find(digest);
  if (found == arriving_.end()) return false;  // the rest of one that was refused
  Arriving& arriving = found->second;
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (offset != arriving.offset || offset + size > arriving.size) {
    Suspend(digest);
    return Error::Environment("a piece of a blob is out of order");
  }
  if (auto written = WriteAll(arriving.fd, bytes, offset); !written.ok()) {
    const std::int64_t needed = arriving.size - offset;
    ::close(arriving.fd);
    arriving_.erase(found);
    ::unlink(PartialPath(digest).c_str());
    return FreeBytes(folder_) < needed ? DiskFull(folder_, needed) : std::move(written).error();
  }
  arriving.hash.Update(bytes);
  arriving.offset += size;
  if (arriving.offset < arriving.size) return false;
  DML_RETURN_IF_ERROR(Complete(digest, arriving));
  return true;
}

Result<void> BlobCache::Complete(const Digest& digest, Arriving& arriving) {
  const bool right = arriving.hash.Finish() == digest;
  ::close(arriving.fd);
  arriving_.erase(digest);
  const std::string partial = PartialPath(digest);
  Seal(partial);
  if (!right) {
    ::unlink(partial.c_str());
    return Error::Environment("a blob arrived damaged", "check the memory and disks of this node");
  }
  const std::string path = PathOf(digest);
  DML_RETURN_IF_ERROR(MakeDirectories(fs::path(path).parent_path().string()));
  if (::rename(partial.c_str(), path.c_str()) != 0) {
    return Error::System("cannot store '" + path + "'", errno);
  }
  return {};
}

void BlobCache::Suspend(const Digest& digest) {
  const auto found = arriving_.find(digest);
  if (found == arriving_.end()) return;
  ::close(found->second.fd);
  arriving_.erase(found);
}

void BlobCache::Discard(const Digest& digest) const {
  if (!arriving_.contains(digest)) ::unlink(PartialPath(digest).c_str());
}

Result<void> BlobCache::Ingest(const std::string& path, const Digest& digest) const {
  const std::string blob = PathOf(digest);
  DML_RETURN_IF_ERROR(MakeDirectories(fs::path(blob).parent_path().string()));
  Seal(path);
  if (::link(path.c_str(), blob.c_str()) == 0) return {};
  const std::string temporary = fmt::format("{}.{}.part", blob, ::gettid());
  if (errno == EEXIST) {
    ::unlink(temporary.c_str());
    if (::link(blob.c_str(), temporary.c_str()) == 0) {
      if (::rename(temporary.c_str(), path.c_str()) != 0) ::unlink(temporary.c_str());
      return {};
    }
    // Collected since; or it has as many names as a file can have, which hold it as well.
    if (errno != ENOENT || ::link(path.c_str(), blob.c_str()) == 0) return {};
  }
  std::error_code error;
  fs::copy_file(path, temporary, fs::copy_options::overwrite_existing, error);
  if (!error) Seal(temporary);
  if (!error) fs::rename(temporary, blob, error);
  if (!error) return {};
  ::unlink(temporary.c_str());
  return Error::System("cannot store '" + blob + "'", error.value());
}

std::int64_t BlobCache::Evict(Duration age) const {
  const std::string tried = PartialPath(Digest{});  // `down` knows what has such a name
  ::unlink(tried.c_str());
  if (::link((folder_ + ".boot").c_str(), tried.c_str()) != 0) return 0;
  ::unlink(tried.c_str());
  return Collect(age);
}

std::int64_t CollectBlobs(const std::string& folder, Duration age) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::int64_t freed = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error); !error && it != fs::end(it);
       it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (info.st_nlink > 1 || it->path().extension() == ".token") continue;
    const bool partial = it->path().extension() == ".part";
    const Duration least = partial ? std::max(age, kTransferMax) : age;
    // The time of a blob is its seal.
    const auto used = partial ? info.st_mtim.tv_sec : info.st_atim.tv_sec;
    // File times are wall times, the only clock that files have; a wrong one costs a transfer.
    if (used > now.tv_sec - least.ns / 1'000'000'000) continue;
    if (::unlink(it->path().c_str()) == 0) freed += info.st_size;
  }
  return freed;
}

}  // namespace dml::node
