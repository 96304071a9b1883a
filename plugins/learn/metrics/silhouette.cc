#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "base/random.h"
#include "plugins/learn/metrics/clustering.h"

namespace dml::learn {

namespace {

// The rows that stand for all: every row, or those of the lowest draws, in row order.
std::vector<std::size_t> Sample(std::size_t rows, std::size_t rows_max, std::uint64_t seed) {
  std::vector<std::size_t> chosen(rows);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  if (rows <= rows_max) return chosen;
  const Philox random(seed, "silhouette");
  std::vector<std::uint64_t> draw(rows);
  for (std::size_t i = 0; i < rows; ++i) draw[i] = random.Bits(i);
  const auto lower = [&](std::size_t a, std::size_t b) {
    return draw[a] != draw[b] ? draw[a] < draw[b] : a < b;
  };
  std::ranges::nth_element(chosen, chosen.begin() + static_cast<std::ptrdiff_t>(rows_max), lower);
  chosen.resize(rows_max);
  std::ranges::sort(chosen);
  return chosen;
}

// Silhouettes of the sampled rows [first, last) against the whole sample.
class SilhouetteRows {
 public:
  SilhouetteRows(const Clustering& clustering, const std::vector<std::size_t>& sample)
      : clustering_(clustering), sample_(sample), size_(clustering.clusters, 0.0) {
    for (const std::size_t i : sample_) size_[Label(i)] += 1.0;
  }

  [[nodiscard]] std::size_t Occupied() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(size_, [](double size) { return size > 0; }));
  }

  void Fill(std::size_t first, std::size_t last, std::vector<double>& silhouettes) const {
    std::vector<double> sums(clustering_.clusters);
    for (std::size_t k = first; k < last; ++k) {
      std::ranges::fill(sums, 0.0);
      for (const std::size_t j : sample_) sums[Label(j)] += Distance(sample_[k], j);
      silhouettes[k] = OfRow(Label(sample_[k]), sums);
    }
  }

 private:
  [[nodiscard]] std::size_t Label(std::size_t i) const {
    return static_cast<std::size_t>(clustering_.labels[i]);
  }

  [[nodiscard]] double Distance(std::size_t i, std::size_t j) const {
    const auto a = clustering_.row(i);
    const auto b = clustering_.row(j);
    double sum = 0.0;
    for (std::size_t f = 0; f < a.size(); ++f) sum += (a[f] - b[f]) * (a[f] - b[f]);
    return std::sqrt(sum);
  }

  [[nodiscard]] double OfRow(std::size_t own, const std::vector<double>& sums) const {
    if (size_[own] <= 1.0) return 0.0;  // a cluster of one: 0 by definition
    const double inside = sums[own] / (size_[own] - 1.0);
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < sums.size(); ++c) {
      if (c != own && size_[c] > 0) nearest = std::min(nearest, sums[c] / size_[c]);
    }
    const double larger = std::max(inside, nearest);
    return larger > 0 ? (nearest - inside) / larger : 0.0;
  }

  const Clustering& clustering_;
  const std::vector<std::size_t>& sample_;
  std::vector<double> size_;
};

}  // namespace

Score Silhouette(const Clustering& clustering, std::size_t rows_max, std::uint64_t seed,
                 int threads) {
  const std::vector<std::size_t> sample = Sample(clustering.rows(), rows_max, seed);
  const SilhouetteRows rows(clustering, sample);
  if (rows.Occupied() < 2 || rows.Occupied() >= sample.size()) {
    return Score::Undefined(
        "At least two clusters with rows, and fewer clusters than rows, are needed.");
  }
  std::vector<double> silhouettes(sample.size());
  const auto workers = static_cast<std::size_t>(std::max(threads, 1));
  const std::size_t share = (sample.size() + workers - 1) / workers;
  {
    std::vector<std::jthread> pool;
    for (std::size_t first = share; first < sample.size(); first += share) {
      const std::size_t last = std::min(first + share, sample.size());
      pool.emplace_back([&, first, last] { rows.Fill(first, last, silhouettes); });
    }
    rows.Fill(0, std::min(share, sample.size()), silhouettes);
  }
  RowSum sum;
  for (const double silhouette : silhouettes) sum.Add(silhouette);
  std::string note;
  if (sample.size() < clustering.rows()) {
    note = fmt::format("Computed on a deterministic sample of {} of the {} rows.", sample.size(),
                       clustering.rows());
  }
  return Score::Of(sum.value() / static_cast<double>(sample.size()), note);
}

}  // namespace dml::learn
