#include "tests/trees/tree_source.h"

#include <algorithm>
#include <utility>

namespace dml::learn {

TreeSource::TreeSource(std::size_t features, std::vector<double> x, std::vector<double> y,
                       std::vector<double> weight, std::size_t tile_rows)
    : rows_(y.size()) {
  for (std::size_t f = 0; f < features; ++f) names_.emplace_back("x").append(std::to_string(f));
  for (std::size_t begin = 0; begin < y.size(); begin += tile_rows) {
    const std::size_t end = std::min(y.size(), begin + tile_rows);
    Tile tile;
    tile.rows = end - begin;
    tile.features = features;
    tile.first_row = begin;
    tile.x.assign(x.data() + begin * features, x.data() + end * features);
    tile.y.assign(y.data() + begin, y.data() + end);
    if (!weight.empty()) tile.weight.assign(weight.data() + begin, weight.data() + end);
    tiles_.push_back(std::move(tile));
  }
}

TreeSource::TreeSource(std::size_t features, std::vector<Tile> tiles)
    : tiles_(std::move(tiles)), rows_(0) {
  for (std::size_t f = 0; f < features; ++f) names_.push_back("x" + std::to_string(f));
  for (Tile& tile : tiles_) {
    tile.features = features;
    tile.first_row = rows_;
    rows_ += tile.rows;
  }
}

Result<void> TreeSource::Read(std::size_t tile, Tile& out) const {
  out = tiles_[tile];
  return {};
}

std::vector<double> PredictAll(const Predictor& predictor, std::size_t features,
                               const std::vector<double>& x) {
  Tile tile;
  tile.features = features;
  tile.rows = x.size() / features;
  tile.x = x;
  std::vector<double> out(tile.rows * predictor.outputs());
  predictor.Predict(tile, out);
  return out;
}

std::string Bytes(const Predictor& predictor) {
  Json header;
  std::vector<OwnedTensor> tensors;
  predictor.Save(header, tensors);
  std::string bytes = CanonicalJson(header);
  for (const OwnedTensor& tensor : tensors) {
    bytes += tensor.name;
    bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  }
  return bytes;
}

}  // namespace dml::learn
