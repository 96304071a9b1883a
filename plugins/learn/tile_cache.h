#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/learn/data_source.h"

namespace dml::learn {

// A source that reads each tile of another source once: iterative estimators go over the same
// preprocessed rows many times. Tiles stay in memory up to `bytes_max`; the others go to an
// unnamed scratch file in `scratch_folder`, which the system removes with the process, and are read
// back from there. Without a scratch folder the others are read from the source again. Thread-safe;
// two threads that want the same new tile both read it, and the first one's is kept. The inner
// source must outlive it.
class TileCache final : public DataSource {
 public:
  TileCache(const DataSource& inner, std::uint64_t bytes_max, std::string scratch_folder);
  ~TileCache() override;
  TileCache(const TileCache&) = delete;
  TileCache& operator=(const TileCache&) = delete;

  [[nodiscard]] std::size_t tile_count() const override { return inner_.tile_count(); }
  [[nodiscard]] std::uint64_t rows() const override { return inner_.rows(); }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override {
    return inner_.feature_names();
  }
  [[nodiscard]] bool sparse() const override { return inner_.sparse(); }
  Result<void> Read(std::size_t tile, Tile& out) const override;
  Result<const Tile*> View(std::size_t tile, Tile& scratch) const override;

  [[nodiscard]] std::uint64_t bytes_in_memory() const;
  [[nodiscard]] std::uint64_t bytes_on_disk() const;

 private:
  // Where a tile is: nowhere yet, in memory, or at [offset, offset + bytes) of the scratch file.
  struct Slot {
    std::unique_ptr<const Tile> tile;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };

  Result<void> Keep(std::size_t index, const Tile& tile) const;
  Result<void> Spill(std::size_t index, const Tile& tile) const;
  Result<void> ReadBack(std::uint64_t offset, std::uint64_t bytes, Tile& out) const;

  const DataSource& inner_;
  const std::uint64_t bytes_max_;
  const std::string folder_;
  mutable std::mutex mutex_;
  // Guarded by mutex_. A tile, once in a slot, never moves.
  mutable std::vector<Slot> slots_;
  mutable std::uint64_t in_memory_ = 0;
  mutable std::uint64_t on_disk_ = 0;
  mutable int file_ = -1;
};

}  // namespace dml::learn
