// Goal: a fit that is ended again and again goes on where it was, and ends in the same bits.

#include "plugins/learn/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/files.h"
#include "base/random.h"
#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/model_file.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

namespace fs = std::filesystem;

using Fit = std::function<Result<FitResult>(const Execution&)>;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest()
      : root_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(root_);
  }
  ~CheckpointTest() override { fs::remove_all(root_); }

  [[nodiscard]] CheckpointPlace Place() const {
    return {root_ + "/task", "fit", Duration{0},
            [this](const std::string& line) { said_ += line + "\n"; }};
  }

  std::string Bytes(Result<FitResult> fit) const {
    if (!fit.ok()) return "failed: " + fit.error().Render();
    fs::create_directories(root_);
    Model model;
    model.predictor = std::move(fit->predictor);
    model.certificate = std::move(fit->certificate);
    const std::string path = root_ + "/model.safetensors";
    EXPECT_TRUE(WriteModelFile(path, model).ok());
    return ReadFile(path).value();
  }

  // What a fit says of its progress, from its beginning to its end.
  static int Steps(const Fit& fit) {
    int steps = 0;
    Execution execution;
    execution.progress = [&](double, const char*) { ++steps; };
    const auto result = fit(execution);
    EXPECT_TRUE(result.ok()) << result.error().Render();
    return steps;
  }

  // Lives of `steps` steps each, until one gets to the end. Up to `again` steps may be lost in
  // each: those since its last save.
  void ExpectSameBits(const Fit& fit, int steps, int again) {
    const std::string undisturbed = Bytes(fit({}));
    const int whole = Steps(fit);
    ASSERT_GT(whole, 3 * steps) << "too short to be ended in between";
    int done = 0;
    for (int life = 1; life <= whole + 1; ++life) {
      std::stop_source stop;
      int left = steps;
      Execution execution;
      execution.threads = 1 + life % 3;
      execution.stop = stop.get_token();
      execution.checkpoint = Place();
      execution.progress = [&](double, const char*) {
        ++done;
        if (--left == 0) stop.request_stop();
      };
      Result<FitResult> result = fit(execution);
      if (!result.ok()) {
        ASSERT_EQ(result.error().kind, ErrorKind::kCancelled) << result.error().Render();
        continue;
      }
      EXPECT_GT(life, 2);
      EXPECT_EQ(Bytes(std::move(result)), undisturbed);
      EXPECT_LE(done, whole + again * life);
      EXPECT_NE(said_.find("goes on at a checkpoint"), std::string::npos) << said_;
      return;
    }
    FAIL() << "it begins anew every time";
  }

  const std::string root_;
  mutable std::string said_;
};

MatrixSource Wide(std::uint64_t rows, std::uint64_t features) {
  MatrixSource::Dense matrix{.features = features, .x = {}, .y = {}, .weight = {}};
  const Philox random(5, "wide");
  for (std::uint64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::uint64_t j = 0; j < features; ++j) {
      const double value = random.Normal(r, j) + (j % 5 == r % 5 ? 1.0 : 0.0);
      sum += value;
      matrix.x.push_back(value);
    }
    matrix.y.push_back(sum > 0 ? 1.0 : 0.0);
  }
  return MatrixSource(std::move(matrix), 4096);
}

// Real customers of a shop.
TEST_F(CheckpointTest, KMeansGoesOnAmongItsStarts) {
  const MatrixSource source(ToMatrix(Fixture("segments")), 40);
  const KMeansOptions options{.clusters = 12, .tol = 0.0, .seed = 3};
  ExpectSameBits([&](const Execution& how) { return FitKMeans(source, options, how); }, 7, 1);
}

TEST_F(CheckpointTest, KMeansGoesOnAmongItsIterationsOverAllRows) {
  const MatrixSource source = Wide(12'000, 400);
  const KMeansOptions options{.clusters = 5, .n_init = 1, .max_iter = 30, .tol = 0.0, .seed = 1};
  ExpectSameBits([&](const Execution& how) { return FitKMeans(source, options, how); }, 9, 1);
}

// Few parameters: exact second derivatives.
TEST_F(CheckpointTest, LogisticRegressionGoesOnByNewton) {
  const MatrixSource source = Wide(3'000, 20);
  LogisticOptions options;
  options.tol = 1e-12;
  options.c = 1e6;
  ExpectSameBits([&](const Execution& how) { return FitLogistic(source, 2, options, how); }, 2, 1);
}

// Many rows: L-BFGS in the coordinates of a sample. A search for a step may be lost whole.
TEST_F(CheckpointTest, LogisticRegressionGoesOnAfterASample) {
  const MatrixSource source = Wide(200'000, 5);
  LogisticOptions options;
  options.tol = 1e-9;
  options.c = 1e3;
  ExpectSameBits([&](const Execution& how) { return FitLogistic(source, 2, options, how); }, 4, 4);
}

TEST_F(CheckpointTest, WhatIsNoCheckpointOfThisFitIsNotUsed) {
  const std::vector<std::byte> state(1000, std::byte{7});
  Checkpoint first(Place(), "one 1");
  EXPECT_FALSE(first.Load()) << "there is none yet";
  EXPECT_TRUE(first.Due());
  first.Save(state);
  EXPECT_EQ(Checkpoint(Place(), "one 1").Load(), state);
  EXPECT_FALSE(Checkpoint(Place(), "one 2").Load()) << "another layout";
  EXPECT_FALSE(Checkpoint(Place(), "two 1").Load()) << "another fit";
  const std::string path = root_ + "/task/fit";
  const std::string whole = ReadFile(path).value();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
    ASSERT_TRUE(WriteFileAtomic(path, whole.substr(0, size)).ok());
    EXPECT_FALSE(Checkpoint(Place(), "one 1").Load()) << size << " bytes";
  }
  std::string flipped = whole;
  flipped.back() ^= 1;
  ASSERT_TRUE(WriteFileAtomic(path, flipped).ok());
  EXPECT_FALSE(Checkpoint(Place(), "one 1").Load()) << "a flipped bit";
}

TEST_F(CheckpointTest, SavesAreRareAndFailQuietly) {
  CheckpointPlace rare = Place();
  rare.interval = Duration::Seconds(3600);
  EXPECT_FALSE(Checkpoint(rare, "x").Due()) << "not before the first interval is over";
  CheckpointPlace nowhere = Place();
  nowhere.folder.clear();
  EXPECT_FALSE(Checkpoint(nowhere, "x").Due());
  ASSERT_TRUE(MakeDirectories(root_).ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/file", "").ok());
  CheckpointPlace blocked = Place();
  blocked.folder = root_ + "/file/below";
  Checkpoint unlucky(blocked, "x");
  unlucky.Save(std::vector<std::byte>(3));
  EXPECT_NE(said_.find("no checkpoint"), std::string::npos) << said_;
}

}  // namespace
}  // namespace dml::learn
