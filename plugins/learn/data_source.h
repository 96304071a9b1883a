#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace dml::learn {

// The unit of work and of summation: a fixed range of consecutive rows. Sums are taken within a
// tile in row order and across tiles along a fixed tree, so they do not depend on who computes
// them.
inline constexpr std::size_t kTileRows = 4096;

// Rows ready for an estimator. Either dense (row-major rows x features) or sparse (CSR).
// Owned by the caller and reused from tile to tile.
struct Tile {
  std::size_t rows = 0;
  std::size_t features = 0;
  std::uint64_t first_row = 0;        // row id of the first row: keys random draws, breaks ties
  std::vector<double> x;              // dense: rows * features; empty when sparse
  std::vector<std::int64_t> offsets;  // sparse: rows + 1
  std::vector<std::int32_t> indices;
  std::vector<double> values;
  std::vector<double> y;               // target: value, or class index 0..K-1; empty without target
  std::vector<double> weight;          // empty means 1
  std::vector<std::uint64_t> row_ids;  // empty means first_row + i: set when rows were selected

  [[nodiscard]] bool sparse() const { return !offsets.empty(); }
  [[nodiscard]] std::uint64_t row_id(std::size_t i) const {
    return row_ids.empty() ? first_row + i : row_ids[i];
  }
};

// Training or scoring rows as a sequence of tiles. Tile boundaries depend on the data and the
// pipeline alone: tile t holds rows [t * kTileRows, ...) of its partition order. Implementations:
// a matrix in memory, and a table seen through fitted preprocessing. Read() is thread-safe.
class DataSource {
 public:
  virtual ~DataSource() = default;
  [[nodiscard]] virtual std::size_t tile_count() const = 0;
  [[nodiscard]] virtual std::uint64_t rows() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& feature_names() const = 0;
  [[nodiscard]] virtual bool sparse() const = 0;
  // Fills `out` with tile `tile`; a non-finite value or bad row is an error with its place.
  virtual Result<void> Read(std::size_t tile, Tile& out) const = 0;
  // The same tile without a copy where it is in memory already; else it is read into `scratch`. The
  // pointer is valid until `scratch` changes or the source dies.
  virtual Result<const Tile*> View(std::size_t tile, Tile& scratch) const {
    DML_RETURN_IF_ERROR(Read(tile, scratch));
    return &scratch;
  }
};

}  // namespace dml::learn
