// Trees of hundreds of classes: what they keep grows with the rows and not with rows x classes, and
// a forest that cannot fit is refused when its first tree is known.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/tensor_file.h"
#include "plugins/learn/tree/leaf_values.h"
#include "plugins/learn/tree/tree_fit.h"
#include "plugins/learn/tree/tree_predictor.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t kFeatures = 4;

struct Rows {
  Numbers x;
  Numbers y;
  [[nodiscard]] TreeSource source() const { return {kFeatures, x, y}; }
};

// Noisy classes, so that trees grow deep.
Rows Noisy(std::size_t rows, std::size_t classes) {
  const Philox random(5, "many classes");
  Rows out;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t f = 0; f < kFeatures; ++f) out.x.push_back(random.Normal(i, f));
    const double place =
        random.Uniform(i, kFeatures) * 0.5 + (out.x[i * kFeatures] > 0 ? 0.5 : 0.0);
    out.y.push_back(std::min(std::floor(place * static_cast<double>(classes)),
                             static_cast<double>(classes - 1)));
  }
  return out;
}

ForestOptions Small(int trees) {
  ForestOptions options;
  options.n_estimators = trees;
  options.oob_score = true;
  return options;
}

FitResult Fit(const Rows& rows, std::size_t classes, const ForestOptions& options) {
  Execution execution;
  execution.threads = 2;
  auto fit = FitRandomForest(rows.source(), classes, options, execution);
  EXPECT_TRUE(fit.ok());
  return std::move(fit).value();
}

std::vector<OwnedTensor> Saved(const Predictor& predictor, Json& header) {
  std::vector<OwnedTensor> tensors;
  predictor.Save(header, tensors);
  return tensors;
}

Result<std::unique_ptr<Predictor>> Reloaded(const std::vector<OwnedTensor>& tensors,
                                            const Json& header) {
  // Two tests may be at it at the same time.
  const std::string path = testing::TempDir() + "/many_classes_" + std::to_string(::getpid());
  std::vector<TensorBuffer> buffers;
  for (const OwnedTensor& t : tensors) buffers.push_back({t.name, t.type, t.shape, t.data});
  EXPECT_TRUE(WriteTensorFile(path, Json::object(), buffers).ok());
  const auto file = TensorFile::Open(path);
  std::filesystem::remove(path);
  EXPECT_TRUE(file.ok());
  return LoadTreePredictor("random_forest", header, **file);
}

OwnedTensor& Named(std::vector<OwnedTensor>& tensors, const std::string& name) {
  return *std::ranges::find(tensors, name, &OwnedTensor::name);
}

TEST(ManyClasses, KeepNoMoreThanTheRowsOfALeaf) {
  constexpr std::size_t kRows = 2000;
  constexpr int kTrees = 5;
  const Rows rows = Noisy(kRows, 1000);
  const FitResult fit = Fit(rows, 1000, Small(kTrees));
  Json header;
  std::size_t bytes = 0;
  for (const OwnedTensor& tensor : Saved(*fit.predictor, header)) bytes += tensor.data.size();
  const auto leaves = fit.certificate.numbers.at("leaves").get<std::size_t>();
  ASSERT_GT(leaves, 5000U);
  EXPECT_LT(bytes, kTrees * kRows * 12 + leaves * 44);  // 8,000 bytes a leaf would be far more
  const Numbers p = PredictAll(*fit.predictor, kFeatures, rows.x);
  for (std::size_t i = 0; i < 10; ++i) {
    const auto first = p.begin() + static_cast<std::ptrdiff_t>(i * 1000);
    EXPECT_NEAR(std::accumulate(first, first + 1000, 0.0), 1.0, 1e-12);
  }
}

// Classes without rows change nothing: neither do the ways in which few and many classes are kept.
TEST(ManyClasses, PredictAsFewDo) {
  constexpr std::size_t kFew = 7;
  constexpr std::size_t kMany = 40;
  static_assert(kFew <= LeafValues::kAllKeptMax && kMany > LeafValues::kAllKeptMax);
  const Rows rows = Noisy(700, kFew);
  for (const double alpha : {0.0, 0.002}) {
    ForestOptions options = Small(9);
    options.tree.ccp_alpha = alpha;
    const FitResult few = Fit(rows, kFew, options);
    const FitResult many = Fit(rows, kMany, options);
    EXPECT_EQ(few.certificate.numbers, many.certificate.numbers);
    const Numbers expected = PredictAll(*few.predictor, kFeatures, rows.x);
    const Numbers found = PredictAll(*many.predictor, kFeatures, rows.x);
    for (std::size_t i = 0; i < rows.y.size(); ++i) {
      for (std::size_t c = 0; c < kMany; ++c) {
        ASSERT_EQ(found[i * kMany + c], c < kFew ? expected[i * kFew + c] : 0.0) << i << " " << c;
      }
    }
  }
}

TEST(ManyClasses, SurviveTheFile) {
  const Rows rows = Noisy(500, 60);
  const FitResult fit = Fit(rows, 60, Small(3));
  Json header;
  std::vector<OwnedTensor> tensors = Saved(*fit.predictor, header);
  const auto loaded = Reloaded(tensors, header);
  ASSERT_TRUE(loaded.ok()) << loaded.error().Render();
  EXPECT_EQ(Bytes(**loaded), Bytes(*fit.predictor));
  EXPECT_EQ(PredictAll(**loaded, kFeatures, rows.x), PredictAll(*fit.predictor, kFeatures, rows.x));
  for (const char* name : {"leaf_classes", "leaf_starts"}) {
    std::vector<OwnedTensor> damaged = tensors;
    std::fill_n(Named(damaged, name).data.begin() + 8, 4, std::byte{0x7F});
    EXPECT_FALSE(Reloaded(damaged, header).ok()) << name;
  }
}

// A file that an earlier version has written.
TEST(ManyClasses, AreReadFromAFileThatKeepsAllOfEachLeaf) {
  constexpr std::size_t kClasses = 20;
  const Rows rows = Noisy(300, kClasses);
  const FitResult fit = Fit(rows, kClasses, Small(2));
  Json header;
  std::vector<OwnedTensor> tensors = Saved(*fit.predictor, header);
  const auto read = [&]<typename T>(const char* name, std::vector<T>& out) {
    const OwnedTensor& tensor = Named(tensors, name);
    out.resize(tensor.data.size() / sizeof(T));
    std::memcpy(out.data(), tensor.data.data(), tensor.data.size());
  };
  Numbers values;
  std::vector<std::uint32_t> classes;
  std::vector<std::int64_t> starts;
  read("leaf_values", values);
  read("leaf_classes", classes);
  read("leaf_starts", starts);
  Numbers all((starts.size() - 1) * kClasses, 0.0);
  for (std::size_t leaf = 0; leaf + 1 < starts.size(); ++leaf) {
    for (auto i = static_cast<std::size_t>(starts[leaf]);
         i < static_cast<std::size_t>(starts[leaf + 1]); ++i) {
      all[leaf * kClasses + classes[i]] = values[i];
    }
  }
  OwnedTensor& leaves = Named(tensors, "leaf_values");
  leaves.shape = {static_cast<std::int64_t>(starts.size() - 1), kClasses};
  const auto bytes = std::as_bytes(std::span(all));
  leaves.data.assign(bytes.begin(), bytes.end());
  std::erase_if(tensors, [](const OwnedTensor& tensor) {
    return tensor.name == "leaf_classes" || tensor.name == "leaf_starts";
  });
  const auto loaded = Reloaded(tensors, header);
  ASSERT_TRUE(loaded.ok()) << loaded.error().Render();
  EXPECT_EQ(PredictAll(**loaded, kFeatures, rows.x), PredictAll(*fit.predictor, kFeatures, rows.x));
}

TEST(ManyClasses, AForestThatCannotFitIsRefusedAfterOneTree) {
  const Rows rows = Noisy(800, 300);
  ForestOptions options = Small(200);
  options.memory_bytes = 5 << 20;
  Execution execution;
  int grown = 0;
  execution.progress = [&](double, const char*) { ++grown; };
  const auto fit = FitRandomForest(rows.source(), 300, options, execution);
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.error().kind, ErrorKind::kInvalid);
  EXPECT_LE(grown, 1);
  const std::string text = fit.error().Render();
  EXPECT_NE(text.find("200 trees like the first, which has "), std::string::npos) << text;
  EXPECT_NE(text.find(" leaves of 300 classes, need about "), std::string::npos) << text;
  EXPECT_NE(text.find(" and there are 5 MiB"), std::string::npos) << text;
  EXPECT_NE(text.find("lower max_depth"), std::string::npos) << text;
  options.tree.max_depth = 3;
  EXPECT_TRUE(FitRandomForest(rows.source(), 300, options, execution).ok());
}

}  // namespace
}  // namespace dml::learn
