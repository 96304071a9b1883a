// bench_learn [rows]: estimators on rows x 100 doubles (default 1,000,000) with all cores, and,
// where a python3 with scikit-learn is found ($PEER_PYTHON or python3), the same fits by
// scikit-learn and the Gram matrix by OpenBLAS on the same rows, with the ratios. What a fit
// minimises is printed beside its time: equal answers, or the times say nothing.

#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/random.h"
#include "bench/peers.h"
#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/moments.h"

namespace dml::learn {
namespace {

constexpr std::size_t kFeatures = 100;
// Of the square matrix that learn_peer.py multiplies: what dsyrk reaches at its best.
constexpr double kSquare = 3000.0;

struct Measure {
  double seconds = 0.0;
  double quality = 0.0;  // what was minimised; 0: nothing to compare
};

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

Measure Time(const std::function<Result<FitResult>()>& fit, const char* quality) {
  const auto begin = std::chrono::steady_clock::now();
  const Result<FitResult> result = fit();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  if (!result.ok()) {
    fmt::print(stderr, "{}\n", result.error().Render());
    std::exit(1);
  }
  const Certificate& certificate = result->certificate;
  Measure out{taken.count(), 0.0};
  if (std::string(quality) == "objective") out.quality = certificate.objective_history.back();
  if (std::string(quality) == "inertia") out.quality = certificate.numbers.at("inertia");
  return out;
}

// The rows in a folder in memory, for the peer; removed at the end.
class Shared {
 public:
  explicit Shared(const MatrixSource& source) {
    std::string folder = "/dev/shm/bench_learn_XXXXXX";
    if (mkdtemp(folder.data()) != nullptr) folder_ = folder;
    std::ofstream x(folder_ / "x", std::ios::binary);
    std::ofstream y(folder_ / "y", std::ios::binary);
    const auto write = [](std::ofstream& out, const std::vector<double>& values) {
      out.write(reinterpret_cast<const char*>(values.data()),
                static_cast<std::streamsize>(values.size() * sizeof(double)));
    };
    Tile scratch;
    for (std::size_t t = 0; t < source.tile_count(); ++t) {
      const Tile* tile = source.View(t, scratch).value();
      write(x, tile->x);
      write(y, tile->y);
    }
  }
  ~Shared() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

std::map<std::string, Measure> AskPeer(const MatrixSource& source) {
  const Shared shared(source);
  const std::string folder = shared.folder().string();
  const std::string command = fmt::format("{0} {1}/learn_peer.py {2}/x {2}/y {3} {4}", PeerPython(),
                                          DML_BENCH_DIR, folder, source.rows(), kFeatures);
  std::map<std::string, Measure> out;
  for (const std::string& line : LinesOfPeer(command)) {
    std::array<char, 32> name{};
    Measure found;
    if (std::sscanf(line.c_str(), "%31s %lf %lf", name.data(), &found.seconds, &found.quality) ==
        3) {
      out[name.data()] = found;
    }
  }
  return out;
}

void Print(const std::string& name, const Measure& own,
           const std::map<std::string, Measure>& peer) {
  std::string text = fmt::format("{:<10} dml {:7.3f} s", name, own.seconds);
  const auto found = peer.find(name);
  if (found != peer.end()) {
    text += fmt::format("   peer {:7.3f} s   ratio {:5.2f}", found->second.seconds,
                        found->second.seconds / own.seconds);
    if (own.quality != 0.0) {
      text += fmt::format("   minimum {:.9g}, peer {:.9g}", own.quality, found->second.quality);
    }
  }
  fmt::print("{}\n", text);
}

void Run(std::size_t rows) {
  const MatrixSource source = Generate(rows);
  Execution execution;
  execution.threads = static_cast<int>(std::thread::hardware_concurrency());
  std::vector<std::pair<std::string, Measure>> own;
  for (int run = 0; run < 3; ++run) {
    const Measure gram = Time(
        [&]() -> Result<FitResult> {
          DML_TRY(const Moments moments, FitMoments(source, MomentsOf::kFeatures, execution));
          return FitResult{nullptr, {}};
        },
        "");
    if (own.empty()) own.emplace_back("gram", gram);
    own[0].second.seconds = std::min(own[0].second.seconds, gram.seconds);
  }
  own.emplace_back("ridge", Time([&] { return FitRidge(source, {}, execution); }, ""));
  own.emplace_back("logistic",
                   Time([&] { return FitLogistic(source, 2, {}, execution); }, "objective"));
  own.emplace_back("pca", Time([&] { return FitPca(source, {.components = 10}, execution); }, ""));
  const KMeansOptions options{.clusters = 10, .n_init = 1, .max_iter = 20, .tol = 0.0};
  own.emplace_back("kmeans",
                   Time([&] { return FitKMeans(source, options, execution); }, "inertia"));
  const std::map<std::string, Measure> peer = AskPeer(source);
  for (const auto& [name, measure] : own) Print(name, measure, peer);
  const double flop = static_cast<double>(rows) * kFeatures * (kFeatures + 1);
  fmt::print("Gram pass {:.1f} GFLOP/s", flop / own[0].second.seconds * 1e-9);
  if (peer.contains("gram") && peer.contains("square")) {
    fmt::print("; dsyrk {:.1f} on these rows, {:.1f} on a square matrix",
               flop / peer.at("gram").seconds * 1e-9,
               kSquare * kSquare * (kSquare + 1.0) / peer.at("square").seconds * 1e-9);
  }
  fmt::print("\n");
}

}  // namespace
}  // namespace dml::learn

int main(int argc, char** argv) {
  dml::learn::Run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000000);
}
