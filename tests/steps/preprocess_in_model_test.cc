// Every transform does inside a model what the step of its name does to a table.

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "plugins/learn/model_file.h"
#include "plugins/steps/transform/catalog.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

struct Preprocessing {
  std::string transform;
  Json params;

  friend void PrintTo(const Preprocessing& one, std::ostream* out) {
    *out << one.transform << " " << one.params;
  }
};

// The list of the reference page, each strategy of impute for itself. Parameters that a table has
// other defaults for are given.
const std::vector<Preprocessing>& EveryPreprocessing() {
  static const std::vector<Preprocessing> all = {
      {"select", {{"columns", {"n", "x"}}}},
      {"drop", {{"columns", {"x"}}}},
      {"rename", {{"columns", {{"x", "z"}}}}},
      {"cast", {{"columns", {{"n", "float64"}, {"flag", "int64"}}}}},
      {"filter", {{"where", "n / 2 > 1 AND coalesce(color, '') <> 'red'"}}},
      {"derive", {{"columns", {{"ratio", "x / (1 + n)"}, {"whole", "n / 2"}}}}},
      {"drop_missing", {{"columns", {"x", "color"}}}},
      {"drop_missing", {{"columns", {"x", "color"}}, {"how", "all"}}},
      {"impute", {{"columns", {"x"}}, {"strategy", "mean"}}},
      {"impute", {{"columns", {"x"}}, {"strategy", "median"}, {"add_indicator", true}}},
      {"impute", {{"columns", {"x", "flag"}}, {"strategy", "most_frequent"}}},
      {"impute", {{"columns", {"x"}}, {"strategy", "constant"}, {"fill_value", 7}}},
      {"clip", {{"columns", {"x"}}, {"min", 3.0}, {"max", 11.5}}},
      {"log", {{"columns", {"x", "n"}}}},
      {"standardize", {{"columns", {"x", "n"}}}},
      {"min_max", {{"columns", {"x", "n"}}}},
      {"robust", {{"columns", {"x", "n"}}}},
      {"normalize", {{"columns", {"full", "n"}}}},
      {"one_hot", {{"columns", {"color", "n"}}, {"sparse_output", true}}},
      {"ordinal", {{"columns", {"color"}}}},
      {"bin", {{"columns", {"x"}}, {"n_bins", 4}, {"encode", "ordinal"}}},
      {"polynomial", {{"columns", {"full", "n"}}}},
      {"tfidf", {{"columns", {"text"}}}},
      {"count_vectorizer", {{"columns", {"text"}}}},
      {"hashing", {{"columns", {"text"}}, {"n_features", 16}}},
      {"date_parts", {{"columns", {"time"}}, {"parts", {"month", "weekday"}}}},
  };
  return all;
}

// Columns of every type, some values missing.
std::string MixedColumnsCsv() {
  const char* const colors[] = {"red", "green", "blue", "", "grey"};
  std::string csv = "x,full,n,flag,color,text,time,y\n";
  for (int i = 0; i < 5000; ++i) {
    const double full = (i * 53 % 97) / 4.0 + 1;
    const std::string x = i % 13 == 5 ? "" : fmt::format("{}", (i * 37 % 101) / 7.0);
    csv += fmt::format("{},{},{},{},{},{} word{} {},20{:02}-{:02}-{:02},{}\n", x, full, i % 9,
                       i % 4 == 0 ? "true" : "false", colors[i % 5], colors[i % 3], i % 6,
                       colors[i * 7 % 3], i % 20, 1 + i % 12, 1 + i % 28,
                       full * 2 - i % 9 + i * 7919 % 17);
  }
  return csv;
}

class PreprocessInModel : public StepLab, public ::testing::WithParamInterface<Preprocessing> {
 protected:
  StepRun Train(const Json& preprocess, const Artifact& data) {
    Json chain = preprocess;
    for (const char* kind : {"text", "categorical"}) {
      chain.push_back({{"drop", {{"columns", kind}}}});
    }
    chain.push_back({{"impute", {{"columns", "numeric"}}}});
    Json drop = Json::array();
    if (GetParam().transform != "date_parts" && GetParam().transform != "select") drop = {"time"};
    return Run("train.ridge", {{"target", "y"}, {"drop", drop}, {"preprocess", chain}},
               {{"data", data}});
  }
  // What ridge learnt, to the bit.
  static std::pair<std::string, std::vector<double>> Learnt(const StepRun& run) {
    auto loaded = learn::ReadModelFile(run.outputs.at("model").files.at(0).path);
    EXPECT_TRUE(loaded.ok());
    Json header;
    std::vector<learn::OwnedTensor> tensors;
    loaded->model.predictor->Save(header, tensors);
    return {header.dump(), loaded->model.predictor->FeatureWeights()};
  }
  // The predictions that are there.
  std::vector<std::string> Predict(const StepRun& trained, const Artifact& data) {
    const StepRun run =
        Run("predict", Json::object(), {{"model", trained.outputs.at("model")}, {"data", data}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    std::vector<std::string> predictions;
    for (const auto& row : Rows(run.outputs.at("data"))) {
      if (!row.back().empty()) predictions.push_back(row.back());
    }
    return predictions;
  }
};

TEST_P(PreprocessInModel, GivesTheModelOfTheStepBeforeIt) {
  const auto& [transform, params] = GetParam();
  const Artifact data = Csv(MixedColumnsCsv(), 4);
  const TransformType* type = FindTransformType(transform);
  ASSERT_NE(type, nullptr);
  const bool plain = transform == "filter" || transform == "derive";
  Json table_params = params;
  // A table that lacks the target would be no use to a train step.
  if (transform == "select") table_params["columns"].push_back("y");
  const StepRun step =
      Run(plain ? transform : "preprocess." + transform, table_params, {{"data", data}});
  ASSERT_TRUE(step.ok()) << step.Failure();
  const Artifact transformed = step.outputs.at("data");

  const StepRun inside = Train(Json::array({{{transform, params}}}), data);
  const StepRun outside = Train(Json::array(), transformed);
  ASSERT_TRUE(inside.ok()) << inside.Failure();
  ASSERT_TRUE(outside.ok()) << outside.Failure();
  EXPECT_EQ(Learnt(inside), Learnt(outside));
  EXPECT_EQ(inside.metrics.at("rows"), step.metrics.at("rows"));

  const auto predictions = Predict(inside, data);
  EXPECT_EQ(predictions.size(), step.metrics.at("rows").get<std::size_t>());
  EXPECT_EQ(predictions, Predict(outside, transformed));
}

INSTANTIATE_TEST_SUITE_P(All, PreprocessInModel, ::testing::ValuesIn(EveryPreprocessing()),
                         [](const auto& one) {
                           return one.param.transform + "_" + std::to_string(one.index);
                         });

TEST(PreprocessInModelList, IsComplete) {
  for (const TransformType& type : TransformTypes()) {
    EXPECT_TRUE(std::ranges::any_of(EveryPreprocessing(), [&](const Preprocessing& one) {
      return one.transform == type.spec.name;
    })) << type.spec.name;
  }
}

}  // namespace
}  // namespace dml::steps
