#include "plugins/learn/model_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

std::string TempPath(const char* name) {
  return testing::TempDir() + "/" + std::to_string(::getpid()) + "_" + name;
}

TEST(ModelFile, EveryKindPredictsTheSameAfterReading) {
  const MatrixSource source(ToMatrix(Fixture("iris")), 64);
  std::vector<Result<FitResult>> fits;
  fits.push_back(FitLinearRegression(source, {}, {}));
  fits.push_back(FitRidge(source, {}, {}));
  fits.push_back(FitLogistic(source, 3, {}, {}));
  fits.push_back(FitKMeans(source, {.clusters = 3}, {}));
  fits.push_back(FitPca(source, {.components = 2, .whiten = true}, {}));
  const std::string path = TempPath("model");
  for (Result<FitResult>& fit : fits) {
    ASSERT_TRUE(fit.ok());
    Model model;
    model.predictor = std::move(fit->predictor);
    model.certificate = std::move(fit->certificate);
    model.target = "species";
    model.classes = {"a", "b", "c"};
    model.feature_names = source.feature_names();
    model.preprocessing = Json::array({{{"step", "standardize"}}});
    ASSERT_TRUE(WriteModelFile(path, model).ok());
    const Result<LoadedModel> loaded = ReadModelFile(path);
    ASSERT_TRUE(loaded.ok()) << loaded.error().Render();
    const Model& back = loaded->model;
    EXPECT_EQ(back.predictor->kind(), model.predictor->kind());
    EXPECT_EQ(PredictAll(*back.predictor, source), PredictAll(*model.predictor, source));
    EXPECT_EQ(back.certificate.ToJson(), model.certificate.ToJson());
    EXPECT_EQ(back.classes, model.classes);
    EXPECT_EQ(back.feature_names, model.feature_names);
    EXPECT_EQ(back.preprocessing, model.preprocessing);
  }
  ::unlink(path.c_str());
}

TEST(ModelFile, ThatPredictsOtherClassesThanItNamesIsRefused) {
  Result<FitResult> fit = FitLogistic(MatrixSource(ToMatrix(Fixture("iris"))), 3, {}, {});
  ASSERT_TRUE(fit.ok());
  Model model;
  model.predictor = std::move(fit->predictor);
  model.classes = {"a", "b"};
  const std::string path = TempPath("classes");
  ASSERT_TRUE(WriteModelFile(path, model).ok());
  const Result<LoadedModel> loaded = ReadModelFile(path);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("names 2 classes and predicts 3"), std::string::npos)
      << loaded.error().Render();
  ::unlink(path.c_str());
}

TEST(ModelFile, OtherFilesAreRefusedWithAReason) {
  const std::string path = TempPath("not_a_model");
  ASSERT_TRUE(WriteTensorFile(path, Json{{"format", "dml.table"}}, {}).ok());
  const Result<LoadedModel> other = ReadModelFile(path);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(other.error().message, "the file is not a model of dml");
  EXPECT_EQ(other.error().where, path);
  ASSERT_TRUE(WriteTensorFile(path, Json{{"format", "dml.model"}, {"version", 1}}, {}).ok());
  const Result<LoadedModel> damaged = ReadModelFile(path);
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.error().message.find("header of the model is damaged"), std::string::npos);
  ASSERT_TRUE(WriteTensorFile(path, Json{{"format", "dml.model"}, {"version", 99}}, {}).ok());
  EXPECT_EQ(ReadModelFile(path).error().hint, "update dml");
  ::unlink(path.c_str());
  EXPECT_FALSE(ReadModelFile(path).ok());
}

}  // namespace
}  // namespace dml::learn
