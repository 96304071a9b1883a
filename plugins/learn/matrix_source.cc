#include "plugins/learn/matrix_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dml::learn {

namespace {

std::string FaultOf(const Tile& tile) {
  const auto bad = [](const std::vector<double>& v) {
    return std::ranges::find_if(v, [](double value) { return !std::isfinite(value); }) - v.begin();
  };
  const auto found = [](std::ptrdiff_t at, const std::vector<double>& v) {
    return at < static_cast<std::ptrdiff_t>(v.size());
  };
  if (const auto at = bad(tile.x); found(at, tile.x)) {
    const std::size_t i = static_cast<std::size_t>(at);
    return fmt::format("row {}, feature {}", tile.row_id(i / tile.features), i % tile.features);
  }
  if (const auto at = bad(tile.y); found(at, tile.y)) {
    return fmt::format("row {}, target", tile.row_id(static_cast<std::size_t>(at)));
  }
  if (const auto at = bad(tile.values); found(at, tile.values)) {
    return fmt::format("stored value {} of the tile that begins at row {}", at, tile.first_row);
  }
  const auto negative =
      std::ranges::find_if(tile.weight, [](double w) { return !(w >= 0.0) || !std::isfinite(w); });
  if (negative != tile.weight.end()) {
    return fmt::format("row {}, weight",
                       tile.row_id(static_cast<std::size_t>(negative - tile.weight.begin())));
  }
  return {};
}

template <typename T>
std::vector<T> Slice(const std::vector<T>& v, std::size_t begin, std::size_t end) {
  if (v.empty()) return {};
  return {v.begin() + static_cast<std::ptrdiff_t>(begin),
          v.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace

MatrixSource::MatrixSource(const Dense& matrix, std::size_t tile_rows) {
  const std::size_t p = matrix.features;
  const std::size_t rows = p == 0 ? matrix.y.size() : matrix.x.size() / p;
  for (std::size_t begin = 0; begin < rows; begin += tile_rows) {
    const std::size_t end = std::min(rows, begin + tile_rows);
    Tile tile;
    tile.rows = end - begin;
    tile.x = Slice(matrix.x, begin * p, end * p);
    tile.y = Slice(matrix.y, begin, end);
    tile.weight = Slice(matrix.weight, begin, end);
    tiles_.push_back(std::move(tile));
  }
  Finish(p);
}

MatrixSource::MatrixSource(std::vector<Tile> tiles, std::size_t features, bool sparse)
    : tiles_(std::move(tiles)), sparse_(sparse) {
  Finish(features);
}

void MatrixSource::Finish(std::size_t features) {
  for (Tile& tile : tiles_) {
    tile.features = features;
    tile.first_row = rows_;
    rows_ += tile.rows;
    faults_.push_back(FaultOf(tile));
  }
  for (std::size_t j = 0; j < features; ++j) names_.push_back(fmt::format("x{}", j));
}

Result<const Tile*> MatrixSource::View(std::size_t tile, Tile& /*scratch*/) const {
  if (!faults_[tile].empty()) {
    return Error::Invalid("the matrix holds a value that is not finite, or a negative weight",
                          "impute or drop missing values first")
        .At(faults_[tile]);
  }
  return &tiles_[tile];
}

Result<void> MatrixSource::Read(std::size_t tile, Tile& out) const {
  DML_TRY(const Tile* view, View(tile, out));
  out = *view;
  return {};
}

}  // namespace dml::learn
