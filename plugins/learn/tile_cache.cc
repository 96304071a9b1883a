#include "plugins/learn/tile_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "plugins/learn/stats_bytes.h"

namespace dml::learn {

namespace {

std::uint64_t BytesOf(const Tile& tile) {
  return sizeof(Tile) +
         sizeof(double) *
             (tile.x.size() + tile.values.size() + tile.y.size() + tile.weight.size()) +
         sizeof(std::int64_t) * (tile.offsets.size() + tile.row_ids.size()) +
         sizeof(std::int32_t) * tile.indices.size();
}

template <typename Archive, typename T>
void Fields(Archive& archive, T& tile) {
  archive(tile.rows);
  archive(tile.features);
  archive(tile.first_row);
  archive(tile.x);
  archive(tile.offsets);
  archive(tile.indices);
  archive(tile.values);
  archive(tile.y);
  archive(tile.weight);
  archive(tile.row_ids);
}

// An open file without a name, or -1 with errno set.
int OpenScratch(const std::string& folder) {
  const int unnamed = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return unnamed;
  std::string path = folder + "/tiles-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

TileCache::TileCache(const DataSource& inner, std::uint64_t bytes_max, std::string scratch_folder)
    : inner_(inner),
      bytes_max_(bytes_max),
      folder_(std::move(scratch_folder)),
      slots_(inner.tile_count()) {}

TileCache::~TileCache() {
  if (file_ >= 0) ::close(file_);
}

std::uint64_t TileCache::bytes_in_memory() const {
  const std::lock_guard lock(mutex_);
  return in_memory_;
}

std::uint64_t TileCache::bytes_on_disk() const {
  const std::lock_guard lock(mutex_);
  return on_disk_;
}

Result<const Tile*> TileCache::View(std::size_t tile, Tile& scratch) const {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    const Slot& slot = slots_[tile];
    if (slot.tile != nullptr) return slot.tile.get();
    offset = slot.offset;
    bytes = slot.bytes;
  }
  if (bytes > 0) {
    DML_RETURN_IF_ERROR(ReadBack(offset, bytes, scratch));
    return &scratch;
  }
  DML_RETURN_IF_ERROR(inner_.Read(tile, scratch));
  DML_RETURN_IF_ERROR(Keep(tile, scratch));
  return &scratch;
}

Result<void> TileCache::Read(std::size_t tile, Tile& out) const {
  DML_TRY(const Tile* view, View(tile, out));
  if (view != &out) out = *view;
  return {};
}

Result<void> TileCache::Keep(std::size_t index, const Tile& tile) const {
  const std::uint64_t bytes = BytesOf(tile);
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[index];
    if (slot.tile != nullptr || slot.bytes > 0) return {};
    if (in_memory_ + bytes <= bytes_max_) {
      slot.tile = std::make_unique<const Tile>(tile);
      in_memory_ += bytes;
      return {};
    }
  }
  return folder_.empty() ? Result<void>() : Spill(index, tile);
}

Result<void> TileCache::Spill(std::size_t index, const Tile& tile) const {
  StatsWriter writer;
  Fields(writer, tile);
  const std::vector<std::byte>& bytes = writer.bytes();
  std::uint64_t offset = 0;
  int file = -1;
  {
    const std::lock_guard lock(mutex_);
    if (file_ < 0) file_ = OpenScratch(folder_);
    if (file_ < 0) return Error::System("cannot make a scratch file in '" + folder_ + "'", errno);
    file = file_;
    offset = on_disk_;
    on_disk_ += bytes.size();
  }
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        ::pwrite(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error::System("cannot write a scratch file in '" + folder_ + "'", errno);
    done += static_cast<std::size_t>(n);
  }
  const std::lock_guard lock(mutex_);
  slots_[index].offset = offset;
  slots_[index].bytes = bytes.size();
  return {};
}

Result<void> TileCache::ReadBack(std::uint64_t offset, std::uint64_t bytes, Tile& out) const {
  thread_local std::vector<std::byte> buffer;
  buffer.resize(bytes);
  int file = -1;
  {
    const std::lock_guard lock(mutex_);
    file = file_;
  }
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n =
        ::pread(file, buffer.data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error::System("cannot read a scratch file in '" + folder_ + "'", errno);
    done += static_cast<std::size_t>(n);
  }
  StatsReader reader(buffer);
  Fields(reader, out);
  return {};
}

}  // namespace dml::learn
