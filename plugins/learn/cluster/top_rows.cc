#include "plugins/learn/cluster/top_rows.h"

#include <algorithm>
#include <cmath>

#include "plugins/learn/cluster/row_distances.h"

namespace dml::learn {

void TopRows::Take(const Tile& tile, const std::vector<double>& scores,
                   const std::vector<int>& labels, const std::vector<double>& shift,
                   std::size_t most) {
  std::vector<std::size_t> order;
  for (std::size_t r = 0; r < tile.rows; ++r) {
    if (!(std::isinf(scores[r]) && scores[r] < 0.0)) order.push_back(r);
  }
  const auto higher = [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : tile.row_id(a) < tile.row_id(b);
  };
  const std::size_t kept = std::min(order.size(), most);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(kept), higher);
  order.resize(kept);
  *this = TopRows();
  wanted = most;
  for (const std::size_t r : order) {
    score.push_back(scores[r]);
    row_id.push_back(tile.row_id(r));
    weight.push_back(tile.weight.empty() ? 1.0 : tile.weight[r]);
    label.push_back(labels.empty() ? 0 : labels[r]);
    const std::vector<double> row = ShiftedRow(tile, r, shift);
    x.insert(x.end(), row.begin(), row.end());
  }
}

// Both sides are in order already.
void TopRows::Merge(TopRows&& right) {
  if (right.score.empty()) return;
  if (score.empty()) {
    *this = std::move(right);
    return;
  }
  const TopRows left = std::move(*this);
  const std::size_t features = right.x.size() / right.score.size();
  *this = TopRows();
  wanted = right.wanted;
  std::size_t a = 0;
  std::size_t b = 0;
  while (score.size() < wanted && (a < left.score.size() || b < right.score.size())) {
    const bool none = b == right.score.size();
    const bool from_left =
        none || (a < left.score.size() &&
                 (left.score[a] != right.score[b] ? left.score[a] > right.score[b]
                                                  : left.row_id[a] < right.row_id[b]));
    const TopRows& from = from_left ? left : right;
    const std::size_t i = from_left ? a++ : b++;
    score.push_back(from.score[i]);
    row_id.push_back(from.row_id[i]);
    weight.push_back(from.weight[i]);
    label.push_back(from.label[i]);
    const auto row = from.x.begin() + static_cast<std::ptrdiff_t>(i * features);
    x.insert(x.end(), row, row + static_cast<std::ptrdiff_t>(features));
  }
}

}  // namespace dml::learn
