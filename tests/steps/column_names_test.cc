// Columns that a pipeline names are looked for in the data files that are there, before anything
// runs.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/files.h"
#include "pipelines/load.h"
#include "tests/pipelines/golden_file.h"
#include "tests/steps/builtin_catalog.h"

namespace dml::steps {
namespace {

namespace fs = std::filesystem;

class ColumnNames : public ::testing::Test {
 protected:
  ColumnNames() {
    std::string pattern = (fs::temp_directory_path() / "dml-columns-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    Write("data.csv", "age,income,city,bought\n41,3.5,Rome,yes\n");
  }
  ~ColumnNames() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomic(folder_ + "/" + name, text).ok());
  }

  // What is said of a pipeline that loads data.csv as `raw` and then has `steps`.
  [[nodiscard]] std::string Errors(const std::string& steps, bool look = true,
                                   const std::string& raw = "path: data.csv") const {
    const std::string text = "steps:\n  - {id: raw, uses: load.csv, with: {" + raw + "}}\n" + steps;
    pipelines::LoadOptions options;
    options.catalog = &Catalog();
    options.look_at_data = look;
    options.read_file = [&text](const std::string&) -> Result<std::string> { return text; };
    std::string out =
        pipelines::RenderText(pipelines::LoadPipeline(folder_ + "/p.yaml", options).diagnostics);
    for (std::size_t at = out.find(folder_); at != std::string::npos; at = out.find(folder_)) {
      out.erase(at, folder_.size() + 1);
    }
    return out;
  }

 private:
  std::string folder_;
};

const std::string kSplit =
    "  - {id: split, uses: split.train_test, input: raw, with: {stratify: bought}}\n";

TEST_F(ColumnNames, AnUnknownOneIsFoundWithPlaceAndTheNearName) {
  EXPECT_EQ(Errors(kSplit + "  - id: model\n    uses: train.logistic_regression\n"
                            "    input: split.train\n    with: {target: baught}\n"),
            "p.yaml:7:20: error: there is no column 'baught' in the data of step 'model'\n"
            "    7 |     with: {target: baught}\n"
            "      |                    ^~~~~~\n"
            "      = help: did you mean 'bought'?; the columns are: age, income, city, bought\n");
}

TEST_F(ColumnNames, AllOfThemAreFoundAtOnce) {
  const std::string errors = Errors(
      "  - {id: split, uses: split.train_test, input: raw, with: {stratify: bougth}}\n"
      "  - {id: few, uses: preprocess.select, input: split.test, with: {columns: [age, citty]}}\n"
      "  - {id: unique, uses: deduplicate, input: split.test, with: {columns: [age, name]}}\n");
  EXPECT_NE(errors.find("'bougth'"), std::string::npos) << errors;
  EXPECT_NE(errors.find("'citty'"), std::string::npos) << errors;
  EXPECT_NE(errors.find("there is no column 'name' in the data of step 'unique'"),
            std::string::npos)
      << errors;
}

TEST_F(ColumnNames, StepsThatChangeColumnsAreFollowed) {
  const auto model = [](const std::string& input, const std::string& target) {
    return "  - {id: model, uses: train.ridge, input: " + input + ", with: {target: " + target +
           "}}\n";
  };
  const std::string drop =
      "  - {id: less, uses: preprocess.drop, input: raw, with: {columns: [income]}}\n";
  EXPECT_NE(Errors(drop + model("less", "income")), "");
  EXPECT_EQ(Errors(drop + model("less", "age")), "");
  const std::string rename =
      "  - {id: other, uses: preprocess.rename, input: raw, with: {columns: {age: years}}}\n";
  EXPECT_NE(Errors(rename + model("other", "age")), "");
  EXPECT_EQ(Errors(rename + model("other", "years")), "");
  const std::string derive =
      "  - {id: more, uses: derive, input: raw, with: {columns: {rich: income > 3}}}\n";
  EXPECT_NE(Errors(derive + model("more", "poor")), "");
  EXPECT_EQ(Errors(derive + model("more", "rich")), "");
  const std::string group =
      "  - {id: cities, uses: aggregate, input: raw, with: {by: [city], columns: {n: count(*)}}}\n";
  EXPECT_NE(Errors(group + model("cities", "age")), "");
  EXPECT_EQ(Errors(group + model("cities", "n")), "");
}

TEST_F(ColumnNames, InsideAModelTransformsSeeTheFeaturesOnly) {
  const auto model = [](const std::string& preprocess) {
    return "  - id: model\n    uses: train.logistic_regression\n    input: raw\n"
           "    matrix: {C: [1, 2]}\n"
           "    with: {target: bought, C: \"${matrix.C}\", preprocess: [" +
           preprocess + "]}\n";
  };
  EXPECT_EQ(Errors(model("{drop: {columns: [age]}}, {one_hot: {columns: [city]}}")), "");
  EXPECT_NE(Errors(model("{drop: {columns: [aged]}}"))
                .find("there is no column 'aged' among the features"),
            std::string::npos);
  EXPECT_NE(Errors(model("{drop: {columns: [age]}}, {log: {columns: [age]}}")), "") << "it is gone";
  const std::string target = Errors(model("{one_hot: {columns: [bought]}}"));
  EXPECT_NE(target.find("error: 'bought' is the target, and preprocess sees the features only"),
            std::string::npos)
      << target;
  EXPECT_EQ(target.find("there is no column"), std::string::npos) << "once is enough:\n" << target;
  EXPECT_EQ(Errors(model("{one_hot: {columns: [city]}}, {log: {columns: [city_Rome]}}")), "")
      << "what one_hot makes hangs on the values";
}

TEST_F(ColumnNames, NothingIsSaidOfWhatCannotBeKnown) {
  const std::string model = "  - {id: m, uses: train.ridge, input: raw, with: {target: nope}}\n";
  EXPECT_NE(Errors(model), "");
  EXPECT_EQ(Errors(model, /*look=*/false), "") << "validate opens no data";
  EXPECT_EQ(Errors(model, true, "path: absent.csv"), "") << "the step says that";
  EXPECT_EQ(Errors("  - {id: m, uses: train.ridge, input: raw, if: \"1 > 2\", with: {target: "
                   "nope}}\n"),
            "")
      << "it may be meant for other data";
  EXPECT_EQ(Errors("  - {id: get, run: [curl]}\n"
                   "  - {id: late, uses: load.csv, needs: get, with: {path: data.csv}}\n"
                   "  - {id: m, uses: train.ridge, input: late, with: {target: nope}}\n"),
            "")
      << "an earlier step may write the file";
  Write("empty.csv", "");
  EXPECT_EQ(Errors(model, true, "path: empty.csv"), "");
}

TEST_F(ColumnNames, AreReadAsTheLoaderReadsThem) {
  const auto model = [](const std::string& target) {
    return "  - {id: m, uses: train.ridge, input: raw, with: {target: " + target + "}}\n";
  };
  Write("odd.csv", "# of 2020\n\xEF\xBB\xBFskipped\na;\"b;c\";a\n1;2;3\n");
  const std::string odd = "path: odd.csv, delimiter: \";\", skip_rows: 2";
  EXPECT_EQ(Errors(model("a"), true, odd), "");
  EXPECT_EQ(Errors(model("\"b;c\""), true, odd), "");
  EXPECT_EQ(Errors(model("a.1"), true, odd), "") << "a second column of the same name";
  EXPECT_NE(Errors(model("b"), true, odd), "");
  EXPECT_EQ(Errors(model("column_2"), true, "path: data.csv, header: false"), "");
  EXPECT_NE(Errors(model("age"), true, "path: data.csv, header: false"), "");
  EXPECT_EQ(Errors(model("w"), true, "path: data.csv, columns: [w, x, y, z]"), "");
  EXPECT_EQ(Errors(model("income"), true, "path: \"*ta.csv\""), "");
}

// What is said of every columns/<case>.yaml must equal <case>.expected. DML_BLESS=1 rewrites that.
class UnknownColumns : public ::testing::TestWithParam<std::string> {};

TEST_P(UnknownColumns, AreSaidAsExpected) {
  const std::string folder = std::string(DML_SOURCE_DIR) + "/tests/steps/columns/";
  const auto text = ReadFile(folder + GetParam() + ".yaml");
  ASSERT_TRUE(text.ok());
  pipelines::LoadOptions options;
  options.catalog = &Catalog();
  options.look_at_data = true;
  options.read_file = [&text](const std::string&) -> Result<std::string> { return *text; };
  std::string said =
      pipelines::RenderText(pipelines::LoadPipeline(folder + "p.yaml", options).diagnostics);
  for (std::size_t at = said.find(folder); at != std::string::npos; at = said.find(folder)) {
    said.erase(at, folder.size());
  }
  golden::Expect(folder + GetParam() + ".expected", said);
}

INSTANTIATE_TEST_SUITE_P(Cases, UnknownColumns,
                         ::testing::ValuesIn(golden::Cases(std::string(DML_SOURCE_DIR) +
                                                           "/tests/steps/columns/")),
                         [](const auto& golden) { return golden.param; });

// Their data is packed; nothing is wrong with them, and an unknown column is found in each.
TEST(ColumnNamesOfExamples, AreFoundInTheirData) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(std::string(DML_SOURCE_DIR) + "/examples")) {
    const std::string path = entry.path() / "pipeline.yaml";
    std::string text = *ReadFile(path);
    pipelines::LoadOptions options;
    options.catalog = &Catalog();
    options.look_at_data = true;
    options.read_file = [&text](const std::string&) -> Result<std::string> { return text; };
    EXPECT_EQ(pipelines::RenderText(pipelines::LoadPipeline(path, options).diagnostics), "");
    const std::size_t drop = text.find("- drop: {columns: [");
    const std::size_t target = text.find("target: ");
    const std::size_t at = target != std::string::npos ? target + 8 : drop + 19;
    ASSERT_NE(at, std::string::npos);
    text.insert(at, "un");
    const auto wrong = pipelines::LoadPipeline(path, options).diagnostics;
    EXPECT_GE(wrong.size(), 1U) << path;
    found += wrong.empty() ? 0 : 1;
  }
  EXPECT_EQ(found, 6);
}

}  // namespace
}  // namespace dml::steps
