#include "plugins/learn/row_sample.h"

#include "base/random.h"
#include "plugins/learn/fit_loop.h"

namespace dml::learn {

namespace {

struct Sample {
  std::vector<double> x;
  std::vector<std::int64_t> lengths;  // sparse: stored values per row
  std::vector<std::int32_t> indices;
  std::vector<double> values;
  std::vector<double> y;
  std::vector<double> weight;
  std::vector<std::uint64_t> row_ids;

  void Merge(Sample&& right) {
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(x, right.x);
    append(lengths, right.lengths);
    append(indices, right.indices);
    append(values, right.values);
    append(y, right.y);
    append(weight, right.weight);
    append(row_ids, right.row_ids);
  }
  template <typename A>
  void Fields(A& archive) {
    archive(x);
    archive(lengths);
    archive(indices);
    archive(values);
    archive(y);
    archive(weight);
    archive(row_ids);
  }
};

void Append(const Tile& tile, std::size_t r, double weight, Sample& out) {
  out.weight.push_back(weight);
  if (!tile.y.empty()) out.y.push_back(tile.y[r]);
  out.row_ids.push_back(tile.row_id(r));
  if (!tile.sparse()) {
    const auto row = tile.x.begin() + static_cast<std::ptrdiff_t>(r * tile.features);
    out.x.insert(out.x.end(), row, row + static_cast<std::ptrdiff_t>(tile.features));
    return;
  }
  const std::int64_t begin = tile.offsets[r];
  const std::int64_t end = tile.offsets[r + 1];
  out.lengths.push_back(end - begin);
  out.indices.insert(out.indices.end(), tile.indices.begin() + begin, tile.indices.begin() + end);
  out.values.insert(out.values.end(), tile.values.begin() + begin, tile.values.begin() + end);
}

// The sample cut into tiles again.
std::vector<Tile> ToTiles(const Sample& sample, std::size_t features, bool sparse) {
  std::vector<Tile> tiles;
  std::int64_t stored = 0;
  for (std::size_t begin = 0; begin < sample.weight.size(); begin += kTileRows) {
    const std::size_t end = std::min(sample.weight.size(), begin + kTileRows);
    const auto first = static_cast<std::ptrdiff_t>(begin);
    const auto last = static_cast<std::ptrdiff_t>(end);
    Tile tile;
    tile.rows = end - begin;
    if (!sample.y.empty()) tile.y.assign(sample.y.begin() + first, sample.y.begin() + last);
    tile.weight.assign(sample.weight.begin() + first, sample.weight.begin() + last);
    tile.row_ids.assign(sample.row_ids.begin() + first, sample.row_ids.begin() + last);
    if (sparse) {
      tile.offsets.push_back(0);
      for (std::size_t r = begin; r < end; ++r) {
        tile.offsets.push_back(tile.offsets.back() + sample.lengths[r]);
      }
      const std::int64_t next = stored + tile.offsets.back();
      tile.indices.assign(sample.indices.begin() + stored, sample.indices.begin() + next);
      tile.values.assign(sample.values.begin() + stored, sample.values.begin() + next);
      stored = next;
    } else {
      const auto p = static_cast<std::ptrdiff_t>(features);
      tile.x.assign(sample.x.begin() + first * p, sample.x.begin() + last * p);
    }
    tiles.push_back(std::move(tile));
  }
  return tiles;
}

}  // namespace

Result<MatrixSource> SampleRows(const DataSource& source, const SampleRule& rule,
                                const Execution& execution) {
  const Philox random(rule.seed, rule.purpose);
  const auto local = [&](const Tile& tile, Sample& out) -> Result<void> {
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double weight = tile.weight.empty() ? 1.0 : tile.weight[r];
      if (!(weight > 0.0)) continue;
      const std::size_t k = rule.shares.size() == 1 ? 0 : static_cast<std::size_t>(tile.y[r]);
      const double share = rule.shares[k];
      if (share < 1.0 && !(random.Uniform(tile.row_id(r)) < share)) continue;
      Append(tile, r, share < 1.0 ? weight / share : weight, out);
    }
    return {};
  };
  DML_TRY(const Sample sample, FoldTiles<Sample>(source, execution, local));
  const std::size_t features = source.feature_names().size();
  return MatrixSource(ToTiles(sample, features, source.sparse()), features, source.sparse());
}

}  // namespace dml::learn
