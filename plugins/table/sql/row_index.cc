#include "plugins/table/sql/row_index.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <span>

#include "base/files.h"
#include "plugins/table/sql/key_cells.h"

namespace dml::sql {

// An array of row numbers: in memory, or in a mapped file without a name, whose pages the kernel
// can put aside.
class RowIndex::Numbers {
 public:
  static Result<std::unique_ptr<Numbers>> Make(std::size_t size, const std::string& folder) {
    auto out = std::make_unique<Numbers>();
    out->bytes_ = std::max<std::size_t>(size, 1) * sizeof(std::uint32_t);
    int file = -1;
    if (!folder.empty()) {
      DML_RETURN_IF_ERROR(MakeDirectories(folder));
      std::string path = folder + "/index-XXXXXX";
      file = ::mkstemp(path.data());
      if (file < 0) return Error::System(fmt::format("cannot write in '{}'", folder), errno);
      ::unlink(path.c_str());
      // Reserved now: a disk that is full later would be a signal, not an error.
      if (const int code = ::posix_fallocate(file, 0, static_cast<off_t>(out->bytes_)); code != 0) {
        ::close(file);
        return Error::System(fmt::format("cannot write in '{}'", folder), code);
      }
    }
    void* data = ::mmap(nullptr, out->bytes_, PROT_READ | PROT_WRITE,
                        file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);
    const int problem = errno;
    if (file >= 0) ::close(file);
    if (data == MAP_FAILED) return Error::System("cannot keep the index of the keys", problem);
    out->data_ = static_cast<std::uint32_t*>(data);
    out->size_ = size;
    return out;
  }
  Numbers() = default;
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  ~Numbers() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }

  std::uint32_t& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] std::span<std::uint32_t> all() { return {data_, size_}; }

 private:
  std::uint32_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

RowIndex::RowIndex() = default;
RowIndex::RowIndex(RowIndex&&) noexcept = default;
RowIndex& RowIndex::operator=(RowIndex&&) noexcept = default;
RowIndex::~RowIndex() = default;

KeyHashes HashKeys(const table::Batch& batch) {
  KeyHashes out{std::vector<std::uint64_t>(batch.rows, kKeyHashSeed),
                std::vector<std::uint8_t>(batch.rows)};
  for (const table::Column& column : batch.columns) {
    HashCells(column, out.hashes);
    if (!column.has_missing()) continue;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (!column.IsValid(row)) out.incomplete[row] = 1;
    }
  }
  return out;
}

Result<RowIndex> RowIndex::Build(const ResidentColumns& keys, Missing missing,
                                 const IndexOptions& options) {
  if (keys.rows() >= kNone) {
    return Error::Invalid(fmt::format("{} rows are more than can be looked up by key", keys.rows()),
                          "aggregate or filter the table first");
  }
  const auto rows = static_cast<std::size_t>(keys.rows());
  const std::size_t buckets = std::bit_ceil(std::max<std::size_t>(16, rows + rows / 2));
  const auto bytes = static_cast<std::int64_t>((buckets + 2 * rows) * sizeof(std::uint32_t));
  const bool fits = options.memory_bytes == 0 || bytes <= options.memory_bytes / 4;
  const std::string folder = fits ? std::string() : options.scratch_dir;
  RowIndex index;
  DML_TRY(index.heads_, Numbers::Make(buckets, folder));
  DML_TRY(index.next_, Numbers::Make(rows, folder));
  DML_TRY(index.hashes_, Numbers::Make(rows, folder));
  index.mask_ = buckets - 1;
  std::ranges::fill(index.heads_->all(), kNone);
  // From the last row to the first, because a chain grows at its head.
  std::size_t row = rows;
  for (std::size_t p = keys.partition_count(); p-- > 0;) {
    if (options.stop.stop_requested()) return Error::Cancelled("stopped");
    const KeyHashes found = HashKeys(keys.batch(p));
    for (std::size_t i = found.hashes.size(); i-- > 0;) {
      --row;
      if (missing == Missing::kSkip && found.incomplete[i] != 0) continue;
      std::uint32_t& head = (*index.heads_)[found.hashes[i] & index.mask_];
      (*index.hashes_)[row] = static_cast<std::uint32_t>(found.hashes[i] >> 32);
      (*index.next_)[row] = head;
      head = static_cast<std::uint32_t>(row);
    }
  }
  return index;
}

std::uint32_t RowIndex::First(std::uint64_t hash) const {
  std::uint32_t row = (*heads_)[hash & mask_];
  while (row != kNone && (*hashes_)[row] != static_cast<std::uint32_t>(hash >> 32)) {
    row = (*next_)[row];
  }
  return row;
}

std::uint32_t RowIndex::Next(std::uint32_t row) const {
  const std::uint32_t hash = (*hashes_)[row];
  do {
    row = (*next_)[row];
  } while (row != kNone && (*hashes_)[row] != hash);
  return row;
}

}  // namespace dml::sql
