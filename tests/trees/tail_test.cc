// Signals that lie in a handful of rows: at the end of a heavy tail, or in a gap narrower than a
// bin. scikit-learn, which tries every value, finds all of them exactly.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/random.h"
#include "plugins/learn/tree/tree_fit.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

struct Rows {
  Numbers x;
  Numbers y;
};

// Two features: lognormal amounts, and noise. The target is 1 for amounts beyond `sigmas`, and for
// regression a hundred times that with a little noise.
Rows Amounts(std::uint64_t from, std::size_t rows, double sigmas, bool regression) {
  const Philox random(11, "amounts");
  Rows out;
  for (std::uint64_t i = from; i < from + rows; ++i) {
    const double z = random.Normal(i, 0);
    out.x.push_back(std::exp(3.0 + 1.5 * z));
    out.x.push_back(random.Normal(i, 1));
    const double is_far = z > sigmas ? 1.0 : 0.0;
    out.y.push_back(regression ? 100.0 * is_far + 0.1 * random.Normal(i, 2) : is_far);
  }
  return out;
}

FitResult Fitted(const Rows& rows, std::size_t classes, bool forest, int depth) {
  ForestOptions options;
  options.n_estimators = 30;
  options.tree.max_depth = depth;
  Execution execution;
  execution.threads = 2;
  const TreeSource source(2, rows.x, rows.y);
  auto fit = forest ? FitRandomForest(source, classes, options, execution)
                    : FitDecisionTree(source, classes, options.tree, execution);
  EXPECT_TRUE(fit.ok());
  return std::move(fit).value();
}

double F1(const FitResult& fit, const Rows& rows) {
  const Numbers p = PredictAll(*fit.predictor, 2, rows.x);
  double both = 0;
  double either = 0;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    const double said = p[2 * i + 1] > 0.5 ? 1.0 : 0.0;
    both += said * rows.y[i];
    either += said + rows.y[i];
  }
  return 2 * both / either;
}

double R2(const FitResult& fit, const Rows& rows) {
  const Numbers f = PredictAll(*fit.predictor, 2, rows.x);
  double mean = 0;
  for (const double y : rows.y) mean += y / static_cast<double>(rows.y.size());
  double rest = 0;
  double all = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    rest += (rows.y[i] - f[i]) * (rows.y[i] - f[i]);
    all += (rows.y[i] - mean) * (rows.y[i] - mean);
  }
  return 1 - rest / all;
}

TEST(Tail, RareClassBehindAHeavyTail) {
  const Rows train = Amounts(0, 10'000, 2.9, false);
  const Rows fresh = Amounts(1'000'000, 10'000, 2.9, false);
  for (const bool forest : {false, true}) {
    const FitResult fit = Fitted(train, 2, forest, 4);
    EXPECT_EQ(F1(fit, train), 1.0) << forest;
    EXPECT_GT(F1(fit, fresh), 0.95) << forest;
  }
}

TEST(Tail, RareLargeTargets) {
  const Rows train = Amounts(0, 4000, 2.9, true);
  EXPECT_GT(R2(Fitted(train, 0, false, 3), train), 0.999);
  // A tree of the forest misses the outermost rows that it did not draw.
  EXPECT_GT(R2(Fitted(train, 0, true, 3), train), 0.98);
  EXPECT_GT(R2(Fitted(train, 0, false, 3), Amounts(1'000'000, 4000, 2.9, true)), 0.9);
}

// More rows than levels, and more than are looked at to choose the bins: the ends keep theirs.
TEST(Tail, TensOfRowsAmongManyThousands) {
  for (const std::size_t rows : {std::size_t{150'000}, std::size_t{900'000}}) {
    for (const double sigmas : {3.85, 3.95, 4.05, 4.15, 4.25}) {
      const Rows train = Amounts(0, rows, sigmas, false);
      EXPECT_EQ(F1(Fitted(train, 2, false, 4), train), 1.0) << rows << " beyond " << sigmas;
    }
  }
}

// The threshold lies between the neighbours, as if every value had been tried.
TEST(Tail, TheSplitIsBetweenTheNearestRows) {
  for (const std::size_t rows : {std::size_t{400}, std::size_t{20'000}}) {
    for (const double sigmas : {-2.0, 0.3, 1.9, 2.5}) {
      const Rows train = Amounts(0, rows, sigmas, false);
      double below = 0.0;
      double above = 1e300;
      for (std::size_t i = 0; i < rows; ++i) {
        const double amount = train.x[2 * i];
        if (train.y[i] > 0) above = std::min(above, amount);
        if (train.y[i] == 0) below = std::max(below, amount);
      }
      const FitResult fit = Fitted(train, 2, false, 1);
      const double middle = below / 2 + above / 2;
      const Numbers p =
          PredictAll(*fit.predictor, 2, {middle, 0.0, std::nextafter(middle, 1e300), 0.0});
      EXPECT_EQ(p, (Numbers{1, 0, 0, 1})) << rows << " rows beyond " << sigmas;
    }
  }
}

// Rows between two values so near each other that no bin ends there.
TEST(Tail, GapInsideABin) {
  Rows train = Amounts(0, 20'000, 9.0, false);
  for (std::size_t i = 0; i < train.y.size(); ++i) {
    const double z = train.x[2 * i + 1];
    train.y[i] = z > 0.5 && z < 0.502 ? 1.0 : 0.0;
  }
  EXPECT_EQ(F1(Fitted(train, 2, false, 8), train), 1.0);
}

// A grown-out tree sends each row where it lay in training, by value as by code.
TEST(Tail, EveryRowFindsItsOwnLeaf) {
  const Philox random(5, "leaves");
  Rows train = Amounts(0, 5000, 2.9, true);
  for (std::size_t i = 0; i < train.y.size(); ++i) {
    if (i % 7 == 0) train.x[2 * i] = std::numeric_limits<double>::quiet_NaN();
    train.y[i] = std::floor(100 * random.Uniform(i));
  }
  const FitResult fit = Fitted(train, 0, false, 1000);
  const Numbers answer = PredictAll(*fit.predictor, 2, train.x);
  for (std::size_t i = 0; i < answer.size(); ++i) ASSERT_EQ(answer[i], train.y[i]) << i;
}

}  // namespace
}  // namespace dml::learn
