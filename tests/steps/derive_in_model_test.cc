// derive inside `preprocess:`: what a model computes from raw rows, and what it refuses.

#include <fmt/format.h>

#include <algorithm>

#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

// In the order written, as the language binds it.
Json Derive(const Json& columns, const Json& types = Json::object()) {
  return Json::array({{{"derive", {{"columns", columns}, {"types", types}}}}});
}

class DeriveInModel : public StepLab {
 protected:
  StepRun Train(const std::string& csv, const Json& preprocess, std::uint64_t partitions = 0,
                int threads = 1, const Json& more = Json::object()) {
    Json params = {{"target", "y"}, {"preprocess", preprocess}, {"alpha", 1e-9}};
    params.update(more);
    return Run("train.ridge", params, {{"data", Csv(csv, partitions)}}, threads);
  }
  StepRun Predict(const StepRun& trained, const std::string& csv) {
    return Run("predict", Json::object(),
               {{"model", trained.outputs.at("model")}, {"data", Csv(csv)}});
  }
};

// Sides of rectangles and their areas, some of the sides missing.
std::string Rectangles(int rows) {
  std::string csv = "a,b,kind,y\n";
  for (int i = 0; i < rows; ++i) {
    const double a = 0.25 * (i * 37 % 101) + 0.5;
    const double b = 0.5 * (i * 53 % 97) + 1;
    csv += i % 11 == 0 ? fmt::format(",{},flat,0\n", b)
                       : fmt::format("{},{},{},{}\n", a, b, i % 2 == 0 ? "wood" : "stone", a * b);
  }
  return csv;
}

const Json kArea = {{"area", "coalesce(a, 0) * b"}, {"material", "substr(kind, 1, 1)"}};
const Json kChain = [] {
  Json chain = Derive(kArea);
  chain.push_back({{"one_hot", {{"columns", {"material"}}}}});
  chain.push_back({{"drop", {{"columns", {"a", "b", "kind"}}}}});
  return chain;
}();

TEST_F(DeriveInModel, RawRowsAreAllThatAModelNeeds) {
  const StepRun trained = Train(Rectangles(300), kChain);
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  StepRun predicted = Predict(trained, "kind,b,a\nwood,6,7\nstone,2,0.5\nflat,9,\n");
  ASSERT_TRUE(predicted.ok()) << predicted.Failure();
  const auto rows = Rows(predicted.outputs.at("data"));
  EXPECT_NEAR(std::stod(rows[0][3]), 42, 1e-6);
  EXPECT_NEAR(std::stod(rows[1][3]), 1, 1e-6);
  EXPECT_NEAR(std::stod(rows[2][3]), 0, 1e-6);
}

TEST_F(DeriveInModel, SameBytesForAnyThreadsAndPartitions) {
  const std::string csv = Rectangles(9000);
  const Json validate = {{"validate", {{"folds", 3}, {"seed", 4}}}};
  const StepRun one = Train(csv, kChain, 0, 1, validate);
  ASSERT_TRUE(one.ok()) << one.Failure();
  for (const auto& [threads, partitions] :
       std::vector<std::pair<int, std::uint64_t>>{{2, 0}, {3, 2}, {7, 9}, {2, 50}}) {
    const StepRun many = Train(csv, kChain, partitions, threads, validate);
    ASSERT_TRUE(many.ok()) << many.Failure();
    EXPECT_EQ(Bytes(many.outputs.at("model")), Bytes(one.outputs.at("model")))
        << threads << " threads, partitions: " << partitions;
  }
}

// A column of a row does not depend on other rows, so it is all the same where it is computed.
TEST_F(DeriveInModel, FoldsScoreAsWithTheStepBeforeTheModel) {
  const Artifact data = Csv(Rectangles(400), 60);
  const StepRun derived = Run("derive", {{"columns", kArea}}, {{"data", data}});
  ASSERT_TRUE(derived.ok()) << derived.Failure();
  const Json rest = Json::array({kChain[1], kChain[2]});
  const Json common = {{"target", "y"}, {"validate", {{"folds", 4}, {"seed", 1}}}};
  Json inside = common;
  inside["preprocess"] = kChain;
  Json outside = common;
  outside["preprocess"] = rest;
  const StepRun a = Run("train.ridge", inside, {{"data", data}});
  const StepRun b = Run("train.ridge", outside, {{"data", derived.outputs.at("data")}});
  ASSERT_TRUE(a.ok()) << a.Failure();
  ASSERT_TRUE(b.ok()) << b.Failure();
  EXPECT_EQ(a.metrics.at("cv"), b.metrics.at("cv"));
  EXPECT_GT(a.metrics["cv"]["r2"].get<double>(), 0.99);
}

// 7 / 2 is 3 where 7 is a whole number, whatever the file to predict makes of its columns.
TEST_F(DeriveInModel, NumbersStayWhatTheyWereInTraining) {
  const Json half = Derive({{"half", "n / 2"}});
  std::string whole = "n,y\n";
  std::string decimal = "n,y\n0.5,0.25\n";
  for (int n = 0; n < 20; ++n) {
    whole += fmt::format("{},{}\n", n, n / 2);
    decimal += fmt::format("{},{}\n", n, n / 2.0);
  }
  Json chain = half;
  chain.push_back({{"drop", {{"columns", {"n"}}}}});
  const StepRun integers = Train(whole, chain);
  ASSERT_TRUE(integers.ok()) << integers.Failure();
  EXPECT_NEAR(std::stod(Rows(Predict(integers, "n\n7.0\n8\n").outputs.at("data"))[0][1]), 3, 1e-6);
  EXPECT_EQ(Predict(integers, "n\n7\n7.5\n").Failure(),
            "the column 'n' held whole numbers only when the model learnt: row 2 is '7.5', which "
            "is no int64 | train it with cast: {columns: {n: float64}} before derive");
  const StepRun decimals = Train(decimal, chain);
  ASSERT_TRUE(decimals.ok()) << decimals.Failure();
  EXPECT_NEAR(std::stod(Rows(Predict(decimals, "n\n7\n").outputs.at("data"))[0][1]), 3.5, 1e-6);
}

TEST_F(DeriveInModel, ValuesThatTheModelCannotTakeAreNamedWithTheirRow) {
  const std::string csv = "x,y\n1,1\n2,2\n3,3\n4,4\n";
  const auto failure = [&](const Json& preprocess, const std::string& rows) {
    const StepRun trained = Train(csv, preprocess);
    EXPECT_TRUE(trained.ok()) << trained.Failure();
    const StepRun predicted = Predict(trained, rows);
    return predicted.ok() ? "" : predicted.result.error().Render();
  };
  EXPECT_EQ(failure(Derive({{"z", "CASE WHEN x > 9 THEN 'many' ELSE x END"}}), "x\n1\n2\n10\n11\n"),
            "row 3: column 'z' holds 'many', which is not float64\n  hint: leave its type out, or "
            "convert it in SQL");
  EXPECT_EQ(failure(Derive({{"z", "CASE WHEN x > 9 THEN 'many' ELSE x END"}}), "x\n11\n10\n"),
            "row 1: column 'z' holds 'many', which is not float64\n  hint: leave its type out, or "
            "convert it in SQL");
  Json words = Derive({{"z", "CASE WHEN x > 9 THEN 10 ELSE 'few' END"}});
  words.push_back({{"one_hot", {{"columns", {"z"}}}}});
  EXPECT_EQ(failure(words, "x\n1\n2\n10\n"),
            "row 3: column 'z' holds numbers and texts, such as 10 and 'few'\n  hint: CAST(... AS "
            "TEXT) makes texts of all of them, CAST(... AS REAL) numbers");
  EXPECT_EQ(failure(words, "x\n10\n"),
            "row 1: columns.z: the result is a number here, and was a text in every row that the "
            "model learnt from\n  hint: CAST(... AS TEXT) makes texts of all of them");
}

TEST_F(DeriveInModel, MistakesAreNamed) {
  const std::string csv = "x,color,y\n1,red,1\n2,blue,2\n3,red,3\n";
  const auto failure = [&](const Json& columns) { return Train(csv, Derive(columns)).Failure(); };
  EXPECT_EQ(failure({{"z", "x + colour"}}),
            "cannot fit 'derive': columns.z: there is no column 'colour'\n    x + colour\n        "
            "^~~~~~ | did you mean 'color'?");
  EXPECT_NE(failure({{"z", "y * 2"}}).find("there is no column 'y'"), std::string::npos)
      << "the target is no feature";
  EXPECT_NE(failure({{"z", "w + 1"}, {"w", "x"}}).find("put another derive behind this one"),
            std::string::npos);
  EXPECT_NE(failure({{"z", "avg(x)"}}).find("needs many rows"), std::string::npos);
  EXPECT_NE(failure({{"z", "x > 'red'"}}).find("they do not compare"), std::string::npos);
  Json quoted = Derive({{"z", "length('color')"}});
  quoted.push_back({{"drop", {{"columns", {"color"}}}}});
  const StepRun warned = Train(csv, quoted);
  ASSERT_TRUE(warned.ok()) << warned.Failure();
  EXPECT_EQ(std::ranges::count(warned.warnings,
                               "columns.z: 'color' in single quotes is a text, not the column; a "
                               "column is written \"color\""),
            1);
}

}  // namespace
}  // namespace dml::steps
