// Rates of the linear-algebra estimators on rows x 100 doubles, with both cores. Prints seconds;
// bench/learn_peer.py prints scikit-learn's on data of the same shape. Usage: bench_learn [rows]

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "base/random.h"
#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/moments.h"

namespace dml::learn {
namespace {

constexpr std::size_t kFeatures = 100;

MatrixSource Generate(std::size_t rows) {
  const Philox random(1, "bench");
  std::vector<Tile> tiles;
  for (std::size_t begin = 0; begin < rows; begin += kTileRows) {
    Tile tile;
    tile.rows = std::min(kTileRows, rows - begin);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      double sum = 0.0;
      for (std::size_t j = 0; j < kFeatures; ++j) {
        const double value = 3.4 * (random.Uniform(begin + r, j) - 0.5);
        tile.x.push_back(value);
        sum += j < 20 ? value : 0.0;
      }
      tile.y.push_back(sum + 3.0 * random.Normal(begin + r, 1000) > 0.0 ? 1.0 : 0.0);
    }
    tiles.push_back(std::move(tile));
  }
  return {std::move(tiles), kFeatures, false};
}

double Seconds(const char* name, const std::function<bool()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  const bool ok = work();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  fmt::print("{:<10} {:8.3f} s{}\n", name, taken.count(), ok ? "" : "  FAILED");
  return taken.count();
}

void Run(std::size_t rows) {
  const MatrixSource source = Generate(rows);
  Execution execution;
  execution.threads = static_cast<int>(std::thread::hardware_concurrency());
  const double gram =
      Seconds("gram", [&] { return FitMoments(source, MomentsOf::kFeatures, execution).ok(); });
  const double flop = static_cast<double>(rows) * kFeatures * (kFeatures + 1);
  fmt::print("{:<10} {:8.1f} GFLOP/s\n", "", flop / gram * 1e-9);
  Seconds("ridge", [&] { return FitRidge(source, {}, execution).ok(); });
  Seconds("logistic", [&] { return FitLogistic(source, 2, {}, execution).ok(); });
  Seconds("pca", [&] { return FitPca(source, {.components = 10}, execution).ok(); });
  Seconds("kmeans", [&] {
    const KMeansOptions options{.clusters = 10, .n_init = 1, .max_iter = 20, .tol = 0.0};
    return FitKMeans(source, options, execution).ok();
  });
}

}  // namespace
}  // namespace dml::learn

int main(int argc, char** argv) {
  dml::learn::Run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000000);
}
