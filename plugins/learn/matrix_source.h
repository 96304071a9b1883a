#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/learn/data_source.h"

namespace dml::learn {

// A dense or sparse matrix in memory, cut into tiles of at most `tile_rows` rows. For tests,
// benchmarks and small data. Immutable after construction and thread-safe.
class MatrixSource final : public DataSource {
 public:
  struct Dense {
    std::size_t features = 0;
    std::vector<double> x;       // row-major
    std::vector<double> y;       // empty: no target
    std::vector<double> weight;  // empty: 1
  };

  explicit MatrixSource(const Dense& matrix, std::size_t tile_rows = kTileRows);
  // Tiles as they are, in any sizes, empty ones included; first_row of each is set here.
  MatrixSource(std::vector<Tile> tiles, std::size_t features, bool sparse);

  [[nodiscard]] std::size_t tile_count() const override { return tiles_.size(); }
  [[nodiscard]] std::uint64_t rows() const override { return rows_; }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override { return names_; }
  [[nodiscard]] bool sparse() const override { return sparse_; }
  Result<void> Read(std::size_t tile, Tile& out) const override;
  Result<const Tile*> View(std::size_t tile, Tile& scratch) const override;

 private:
  void Finish(std::size_t features);

  std::vector<Tile> tiles_;
  std::vector<std::string> names_;
  std::vector<std::string> faults_;  // per tile: where a value is not finite, or empty
  std::uint64_t rows_ = 0;
  bool sparse_ = false;
};

}  // namespace dml::learn
