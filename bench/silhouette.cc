// bench_silhouette [rows [features]]: seconds for the exact silhouette of eight clusters with all
// cores, and, where a python3 with scikit-learn is found ($PEER_PYTHON or python3), its seconds on
// rows made alike, and the ratio. Defaults: 100,000 rows, 20 features.

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <thread>

#include "base/random.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/metrics/clustering.h"

namespace {

constexpr std::size_t kClusters = 8;

dml::learn::MatrixSource MakeRows(std::size_t rows, std::size_t features) {
  const dml::Philox random(1, "bench silhouette");
  dml::learn::MatrixSource::Dense matrix;
  matrix.features = features;
  matrix.x.reserve(rows * features);
  for (std::size_t i = 0; i < rows; ++i) {
    const double centre = static_cast<double>(i % kClusters);
    for (std::size_t f = 0; f < features; ++f) {
      matrix.x.push_back(centre + random.Normal(i, f));
    }
  }
  return dml::learn::MatrixSource(matrix);
}

double PeerSeconds(std::size_t rows, std::size_t features) {
  const char* python = std::getenv("PEER_PYTHON");
  const std::string script = fmt::format(
      "import time,numpy as np\n"
      "from sklearn.metrics import silhouette_score as s\n"
      "r=np.random.default_rng(1);c=np.arange({0})%{2};x=c[:,None]+r.normal(size=({0},{1}))\n"
      "t=time.time();s(x,c);print(time.time()-t)",
      rows, features, kClusters);
  const std::string command =
      fmt::format("{} -c '{}' 2>/dev/null", python != nullptr ? python : "python3", script);
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return 0.0;
  std::array<char, 64> line{};
  const bool answered = std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr;
  pclose(pipe);
  return answered ? std::atof(line.data()) : 0.0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  const std::size_t features = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 20;
  const auto source = MakeRows(rows, features);
  const dml::learn::ClusteredRows clustering{
      source, kClusters, [](const dml::learn::Tile& tile, std::span<std::int32_t> out) {
        for (std::size_t i = 0; i < tile.rows; ++i) {
          out[i] = static_cast<std::int32_t>((tile.first_row + i) % kClusters);
        }
      }};
  dml::learn::Execution execution;
  execution.threads = static_cast<int>(std::thread::hardware_concurrency());
  const auto start = std::chrono::steady_clock::now();
  const auto score = dml::learn::Silhouette(clustering, {rows, 0, 0}, execution);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (!score.ok()) {
    std::cerr << score.error().Render() << "\n";
    return 1;
  }
  std::cout << fmt::format("{} rows x {} features: {:.4f}, dml {:.2f} s, {:.0f} rows/s\n", rows,
                           features, score->value.value_or(0.0), taken.count(),
                           static_cast<double>(rows) / taken.count());
  const double peer = PeerSeconds(rows, features);
  if (peer > 0) {
    std::cout << fmt::format("scikit-learn {:.2f} s, ratio {:.1f}\n", peer, peer / taken.count());
  }
  return 0;
}
