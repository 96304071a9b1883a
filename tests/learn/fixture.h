#pragma once

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "plugins/learn/matrix_source.h"

namespace dml::learn {

// The numbers of tests/fixtures/NAME.json.
inline Json Fixture(const std::string& name) {
  std::ifstream in(std::string(DML_SOURCE_DIR) + "/tests/fixtures/" + name + ".json");
  return Json::parse(in);
}

inline MatrixSource::Dense ToMatrix(const Json& fixture, bool weighted = false) {
  MatrixSource::Dense out;
  for (const Json& row : fixture.at("x")) {
    out.features = row.size();
    for (const Json& value : row) out.x.push_back(value.get<double>());
  }
  out.y = fixture.at("y").get<std::vector<double>>();
  if (weighted) out.weight = fixture.at("weight").get<std::vector<double>>();
  return out;
}

// max |a - b| / max |b|
inline double RelativeDifference(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = a.size() == b.size() ? 0.0 : INFINITY;
  double scale = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return difference / scale;
}

// Scores of all rows of a source, in order.
template <typename Predictor>
std::vector<double> PredictAll(const Predictor& predictor, const DataSource& source) {
  std::vector<double> out;
  Tile scratch;
  for (std::size_t t = 0; t < source.tile_count(); ++t) {
    const Tile* tile = source.View(t, scratch).value();
    std::vector<double> part(tile->rows * predictor.outputs());
    predictor.Predict(*tile, part);
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace dml::learn
