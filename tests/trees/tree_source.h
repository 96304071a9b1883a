#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// Rows in memory that, unlike MatrixSource, lets missing values (NaN) through, as a table does for
// estimators that know what to do with them.
class TreeSource final : public DataSource {
 public:
  // x is row-major; an empty weight means 1.
  TreeSource(std::size_t features, std::vector<double> x, std::vector<double> y,
             std::vector<double> weight = {}, std::size_t tile_rows = kTileRows);
  // Tiles as they are, in any sizes, empty ones included; first_row of each is set here.
  TreeSource(std::size_t features, std::vector<Tile> tiles);

  [[nodiscard]] std::size_t tile_count() const override { return tiles_.size(); }
  [[nodiscard]] std::uint64_t rows() const override { return rows_; }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override { return names_; }
  [[nodiscard]] bool sparse() const override { return false; }
  Result<void> Read(std::size_t tile, Tile& out) const override;

 private:
  std::vector<Tile> tiles_;
  std::vector<std::string> names_;
  std::uint64_t rows_;
};

// Predictions of every row of x.
std::vector<double> PredictAll(const Predictor& predictor, std::size_t features,
                               const std::vector<double>& x);

// Everything that Save writes, as one string: equal strings are equal models.
std::string Bytes(const Predictor& predictor);

}  // namespace dml::learn
