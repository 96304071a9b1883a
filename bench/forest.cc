// bench_forest [rows [trees [depth [regression]]]]: seconds to train a random forest on generated
// rows of 28 features, and, where a python3 with scikit-learn is found ($PEER_PYTHON or python3),
// its seconds on the same sizes and the ratio. Defaults: 200,000 rows, 100 trees, depth 12, all
// cores, two classes. With "regression" the target is the number behind the classes, and every node
// looks at all features.

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "base/random.h"
#include "bench/peers.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/tree/tree_fit.h"

namespace {

constexpr std::size_t kFeatures = 28;

dml::learn::MatrixSource MakeRows(std::size_t rows, bool regression) {
  const dml::Philox random(1, "bench forest");
  dml::learn::MatrixSource::Dense matrix;
  matrix.features = kFeatures;
  for (std::size_t i = 0; i < rows; ++i) {
    double signal = 0.0;
    for (std::size_t f = 0; f < kFeatures; ++f) {
      const double value = random.Normal(i, f);
      matrix.x.push_back(value);
      if (f < 8) signal += f % 2 == 0 ? value : value * matrix.x[i * kFeatures];
    }
    signal += random.Normal(i, kFeatures);
    matrix.y.push_back(regression ? signal : signal > 0 ? 1.0 : 0.0);
  }
  return dml::learn::MatrixSource(matrix);
}

double PeerSeconds(std::size_t rows, int trees, int depth, bool regression) {
  const std::string script = fmt::format(
      "import time,numpy as np\n"
      "from sklearn.ensemble import RandomForest{3} as F\n"
      "r=np.random.default_rng(1);x=r.normal(size=({0},28))\n"
      "y=(x[:,0]+x[:,2]+x[:,4]+x[:,6]+x[:,0]*(x[:,1]+x[:,3]+x[:,5]+x[:,7])"
      "+r.normal(size={0}){4})\n"
      "t=time.time();F(n_estimators={1},max_depth={2},n_jobs=-1,random_state=0).fit(x,y)\n"
      "print(time.time()-t)",
      rows, trees, depth, regression ? "Regressor" : "Classifier", regression ? "" : ">0");
  const auto lines = dml::LinesOfPeer(fmt::format("{} -c '{}'", dml::PeerPython(), script));
  return lines.empty() ? 0.0 : std::atof(lines.front().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200'000;
  dml::learn::ForestOptions options;
  options.n_estimators = argc > 2 ? std::atoi(argv[2]) : 100;
  options.tree.max_depth = argc > 3 ? std::atoi(argv[3]) : 12;
  dml::learn::Execution execution;
  execution.threads = static_cast<int>(std::thread::hardware_concurrency());
  const bool regression = argc > 4 && std::string(argv[4]) == "regression";
  const auto source = MakeRows(rows, regression);
  const auto start = std::chrono::steady_clock::now();
  const auto fit = dml::learn::FitRandomForest(source, regression ? 0 : 2, options, execution);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (!fit.ok()) {
    std::cerr << fit.error().Render() << "\n";
    return 1;
  }
  std::cout << fmt::format("{} rows x {} features, {} trees of depth {}: dml {:.2f} s\n", rows,
                           kFeatures, options.n_estimators, *options.tree.max_depth, taken.count());
  const double peer = PeerSeconds(rows, options.n_estimators, *options.tree.max_depth, regression);
  if (peer > 0) {
    std::cout << fmt::format("scikit-learn {:.2f} s, ratio {:.1f}\n", peer, peer / taken.count());
  }
  return 0;
}
