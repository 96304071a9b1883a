#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/random.h"
#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/distance_sums.h"
#include "plugins/learn/kernels/logistic.h"
#include "plugins/learn/kernels/nearest.h"

namespace dml::learn {
namespace {

using Sizes = std::initializer_list<std::size_t>;

std::vector<double> Random(std::size_t n, std::string_view purpose) {
  const Philox random(1, purpose);
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = random.Normal(i);
  return out;
}

struct Inputs {
  std::size_t rows, p;
  std::vector<double> x, shift, weight, extra, coefficients, bias;

  Inputs(std::size_t n, std::size_t features) : rows(n), p(features) {
    x = Random(n * p, "x");
    shift = Random(p, "shift");
    weight = Random(n, "weight");
    extra = Random(n, "extra");
    coefficients = Random(20 * p, "coefficients");
    bias = Random(20, "bias");
  }
  [[nodiscard]] RowBlock block() const { return {x.data(), rows, p, shift.data()}; }
};

// Every kernel's output, one after the other.
std::vector<double> RunAll(const Inputs& in) {
  std::vector<double> out;
  const auto append = [&](const std::vector<double>& v) {
    out.insert(out.end(), v.begin(), v.end());
  };
  std::vector<double> gram((in.p + 1) * (in.p + 1));
  WeightedGram(in.block(), {in.extra.data(), 0.5}, in.weight.data(), gram.data());
  append(gram);
  gram.resize(in.p * in.p);
  WeightedGram(in.block(), {}, nullptr, gram.data());
  append(gram);
  for (const std::size_t outputs : Sizes{1, 3, 20}) {
    std::vector<double> z(in.rows * outputs);
    AffineRows(in.block(), in.coefficients.data(), in.bias.data(), outputs, z.data());
    append(z);
    std::vector<double> sums(outputs * in.p, 1.0);
    TransposedProduct(in.block(), z.data(), outputs, sums.data());
    append(sums);
    std::vector<double> y(in.rows, 0.0);
    if (outputs == 1) {
      std::vector<double> residual(in.rows);
      std::vector<double> curvature(in.rows);
      out.push_back(BinaryLoss(z.data(), y.data(), in.weight.data(), in.rows, residual.data(),
                               curvature.data()));
      append(residual);
      append(curvature);
      Sigmoid(z.data(), z.size());
    } else {
      out.push_back(SoftmaxLoss(z.data(), y.data(), nullptr, in.rows, outputs));
    }
    append(z);
  }
  std::vector<double> mean(in.p);
  ColumnMeans(in.block(), nullptr, mean.data());
  append(mean);
  std::vector<double> sums(5 * in.p, 0.0);
  std::vector<double> lowest(in.rows);
  std::vector<int> labels(in.rows);
  AssignRows(in.block(), in.coefficients.data(), in.bias.data(), 5, in.weight.data(),
             {labels.data(), lowest.data(), sums.data()});
  append(sums);
  append(lowest);
  AssignRows(in.block(), in.coefficients.data(), in.bias.data(), 20, nullptr,
             {labels.data(), lowest.data(), nullptr});
  append(lowest);
  for (const int label : labels) out.push_back(label);
  std::vector<double> distances(in.rows / kDistanceRows * kDistanceRows * kPanelPoints, 0.5);
  AddDistances(in.x.data(), in.rows / kDistanceRows * kDistanceRows, in.p,
               {in.x.data(), in.weight.data()}, distances.data());
  append(distances);
  for (std::size_t r = 1; r < in.rows; ++r) {
    out.push_back(SquaredDistance(in.x.data(), in.x.data() + r * in.p, in.p));
  }
  return out;
}

// On a machine with one vector width there is nothing to compare, and the test says only that the
// kernels run.
TEST(Kernels, VectorWidthDoesNotChangeABit) {
  std::vector<std::int64_t> fused;
  for (const std::int64_t target : {HWY_AVX3, HWY_AVX2}) {
    if ((hwy::SupportedTargets() & target) != 0) fused.push_back(target);
  }
  for (const std::size_t p : Sizes{1, 7, 8, 16, 33, 100}) {
    const Inputs in(301, p);
    const std::vector<double> expected = RunAll(in);
    for (const std::int64_t target : fused) {
      hwy::SetSupportedTargetsForTest(target);
      const std::vector<double> found = RunAll(in);
      hwy::SetSupportedTargetsForTest(0);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], expected[i]) << "output " << i << " with " << p << " features";
      }
    }
  }
  EXPECT_EQ(Arithmetic(), fused.empty() ? "separate" : "fma");
}

TEST(Kernels, GramEqualsItsDefinition) {
  for (const std::size_t p : Sizes{1, 5, 16, 31}) {
    const Inputs in(150, p);
    std::vector<double> gram((p + 1) * (p + 1));
    WeightedGram(in.block(), {in.extra.data(), 0.5}, in.weight.data(), gram.data());
    const auto z = [&](std::size_t r, std::size_t j) {
      return j < p ? in.x[r * p + j] - in.shift[j] : in.extra[r] - 0.5;
    };
    for (std::size_t i = 0; i <= p; ++i) {
      for (std::size_t j = 0; j <= p; ++j) {
        double sum = 0.0;
        for (std::size_t r = 0; r < in.rows; ++r) sum += in.weight[r] * z(r, i) * z(r, j);
        EXPECT_NEAR(gram[i * (p + 1) + j], j >= i ? sum : 0.0, 1e-10);
      }
    }
  }
}

TEST(Kernels, AffineEqualsItsDefinition) {
  const Inputs in(37, 13);
  for (const std::size_t outputs : Sizes{1, 3, 20}) {
    std::vector<double> z(in.rows * outputs);
    AffineRows(in.block(), in.coefficients.data(), in.bias.data(), outputs, z.data());
    for (std::size_t r = 0; r < in.rows; ++r) {
      for (std::size_t k = 0; k < outputs; ++k) {
        double sum = in.bias[k];
        for (std::size_t j = 0; j < in.p; ++j) {
          sum += (in.x[r * in.p + j] - in.shift[j]) * in.coefficients[k * in.p + j];
        }
        EXPECT_NEAR(z[r * outputs + k], sum, 1e-12);
      }
    }
  }
}

TEST(Kernels, NearestEqualsItsDefinition) {
  for (const std::size_t p : Sizes{1, 13, 16}) {
    const Inputs in(37, p);
    for (const std::size_t points : Sizes{1, 3, 8, 17, 20}) {
      std::vector<double> z(in.rows * points);
      AffineRows(in.block(), in.coefficients.data(), in.bias.data(), points, z.data());
      std::vector<int> labels(in.rows);
      std::vector<double> lowest(in.rows);
      std::vector<double> sums(points * p, 0.0);
      AssignRows(in.block(), in.coefficients.data(), in.bias.data(), points, in.weight.data(),
                 {labels.data(), lowest.data(), sums.data()});
      std::vector<double> expected(points * p, 0.0);
      for (std::size_t r = 0; r < in.rows; ++r) {
        const auto row = std::span(z).subspan(r * points, points);
        const auto best = static_cast<std::size_t>(std::ranges::min_element(row) - row.begin());
        EXPECT_EQ(labels[r], static_cast<int>(best));
        EXPECT_NEAR(lowest[r], row[best], 1e-12);
        for (std::size_t j = 0; j < p; ++j) {
          expected[best * p + j] += in.weight[r] * (in.x[r * p + j] - in.shift[j]);
        }
      }
      for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(sums[i], expected[i], 1e-12);
    }
  }
}

TEST(Kernels, TheFirstOfEqualPointsIsNearest) {
  const Inputs in(11, 4);
  const std::vector<double> coefficients(20 * 4, 0.5);
  const std::vector<double> bias(20, 1.0);
  std::vector<int> labels(in.rows, -1);
  std::vector<double> lowest(in.rows);
  AssignRows(in.block(), coefficients.data(), bias.data(), 20, nullptr,
             {labels.data(), lowest.data(), nullptr});
  for (const int label : labels) EXPECT_EQ(label, 0);
}

TEST(Kernels, MeansOfConstantColumnsAreExact) {
  const std::vector<double> x(1000, 0.1);
  double mean = 0.0;
  ColumnMeans({x.data(), x.size(), 1, nullptr}, nullptr, &mean);
  EXPECT_EQ(mean, 0.1);
}

TEST(Kernels, LogisticLossAtTheEnds) {
  const std::vector<double> z{-800.0, 800.0, 0.0, -40.0, 40.0};
  const std::vector<double> y{1.0, 1.0, 0.0, 0.0, 1.0};
  std::vector<double> residual(5);
  EXPECT_NEAR(BinaryLoss(z.data(), y.data(), nullptr, 5, residual.data(), nullptr),
              800.0 + std::log(2.0), 1e-9);
  EXPECT_EQ(residual[0], -1.0);
  EXPECT_NEAR(residual[3], std::exp(-40.0), 1e-30);
}

}  // namespace
}  // namespace dml::learn
