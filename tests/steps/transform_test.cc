// What no other library can say: saved states, same bits, messages, odd tables.

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "tests/steps/transform_lab.h"

namespace dml::steps {
namespace {

using Cells = TransformLab::Cells;

struct Example {
  std::string transform;
  Json params;

  friend void PrintTo(const Example& example, std::ostream* out) {
    *out << example.transform << " " << example.params;
  }
};

// One of each transform, for the rows of MixedRows().
const std::vector<Example>& Examples() {
  static const std::vector<Example> examples = {
      {"select", {{"columns", {"text", "x"}}}},
      {"drop", {{"columns", "numeric"}}},
      {"rename", {{"columns", {{"x", "z"}}}}},
      {"cast", {{"columns", {{"n", "category"}, {"x", "string"}}}}},
      {"impute", {{"columns", "numeric"}, {"strategy", "mean"}, {"add_indicator", true}}},
      {"impute", {{"columns", "numeric"}, {"strategy", "median"}}},
      {"impute", {{"columns", "all"}, {"strategy", "most_frequent"}}},
      {"impute", {{"columns", {"color"}}, {"strategy", "constant"}, {"fill_value", "none"}}},
      {"drop_missing", {{"columns", "numeric"}}},
      {"drop_missing", {{"columns", {"color", "x"}}, {"how", "all"}}},
      {"filter", {{"where", "n / 2 > 1 AND coalesce(color, '') <> 'red'"}}},
      {"clip", {{"columns", {"x"}}, {"min", -1.0}, {"max", 0.25}}},
      {"log", {{"columns", {"n"}}, {"offset", 2.5}}},
      {"standardize", {{"columns", "numeric"}}},
      {"min_max", {{"columns", "numeric"}, {"clip", true}}},
      {"robust", {{"columns", "numeric"}}},
      {"normalize", {{"columns", {"full", "n"}}, {"norm", "l1"}}},
      {"one_hot", {{"columns", {"color", "n", "flag"}}, {"handle_unknown", "ignore"}}},
      {"one_hot", {{"columns", {"color"}}, {"max_categories", 2}, {"sparse_output", false}}},
      {"ordinal", {{"columns", "categorical"}, {"encoded_missing_value", -1.0}}},
      {"bin", {{"columns", {"x", "n"}}, {"n_bins", 4}}},
      {"bin", {{"columns", {"x"}}, {"strategy", "uniform"}, {"encode", "ordinal"}}},
      {"polynomial", {{"columns", {"x", "n"}}, {"degree", 3}}},
      {"tfidf", {{"columns", "text"}, {"ngram_range", {1, 2}}, {"stop_words", {"red"}}}},
      {"count_vectorizer", {{"columns", "text"}, {"max_features", 3}}},
      {"hashing", {{"columns", "text"}, {"n_features", 64}}},
      {"date_parts", {{"columns", {"time"}}, {"keep_original", true}}},
      {"derive",
       {{"columns",
         {{"ratio", "x / full"},
          {"next", "n + 1"},
          {"x", "coalesce(x, -1)"},
          {"word", "substr(text, 1, 3)"},
          {"again", "time"},
          {"dark", "color = 'blue'"}}},
        {"types", {{"dark", "bool"}}}}},
  };
  return examples;
}

// Columns of every type, with missing values.
Json MixedRows(int rows) {
  Json x = Json::array();
  Json full = Json::array();
  Json n = Json::array();
  Json flag = Json::array();
  Json color = Json::array();
  Json text = Json::array();
  Json time = Json::array();
  const char* const colors[] = {"red", "green", "blue"};
  std::uint64_t state = 88172645463325252ULL;
  for (int row = 0; row < rows; ++row) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const auto draw = [&](int bits) { return static_cast<int>((state >> bits) % 97); };
    x.push_back(draw(0) < 10 ? Json() : Json((draw(1) - 48) / 7.0 * 1e3));
    full.push_back(draw(2) / 3.0 + 1e6);
    n.push_back(draw(3) % 9);
    flag.push_back(draw(4) < 5 ? Json() : Json(draw(5) % 2 == 0));
    color.push_back(draw(6) < 20 ? Json() : Json(colors[draw(7) % 3]));
    text.push_back(draw(8) < 5 ? Json()
                               : Json(std::string(colors[draw(9) % 3]) + " word" +
                                      std::to_string(draw(10)) + " " + colors[draw(11) % 3]));
    time.push_back(draw(12) < 5 ? Json() : Json(draw(13) * 86'399'000'000LL));
  }
  return {{"x", x},
          {"full", full},
          {"n", n},
          {"flag", flag},
          {"color", color},
          {"text:string", text},
          {"time:timestamp", time}};
}

std::string NameOf(const ::testing::TestParamInfo<Example>& info) {
  return info.param.transform + "_" + std::to_string(info.index);
}

class EachTransform : public ::testing::TestWithParam<Example> {
 protected:
  Result<FittedTransformPtr> Fit(const RowView& rows, int threads = 1) {
    return TransformLab::Fit(GetParam().transform, GetParam().params, rows, threads);
  }
  TransformLab lab_;
};

TEST_P(EachTransform, IsReadBackFromTheTextOfItsState) {
  const RowView rows = lab_.Rows(MixedRows(50));
  const auto fitted = Fit(rows);
  ASSERT_TRUE(fitted.ok()) << Failure(fitted);
  const Json saved = Json::parse((*fitted)->Save().dump());
  const auto loaded = FindTransformType(GetParam().transform)->load(saved);
  ASSERT_TRUE(loaded.ok()) << Failure(loaded);
  EXPECT_EQ((*loaded)->Save(), saved);
  EXPECT_EQ(TransformLab::Read(rows.Through(*loaded).value()).value(),
            TransformLab::Read(rows.Through(*fitted).value()).value());
}

TEST_P(EachTransform, RefusesADamagedState) {
  const RowView rows = lab_.Rows(MixedRows(50));
  const Json saved = Fit(rows).value()->Save();
  for (auto item = saved.begin(); item != saved.end(); ++item) {
    Json damaged = saved;
    damaged[item.key()] = Json();
    EXPECT_FALSE(FindTransformType(GetParam().transform)->load(damaged).ok()) << item.key();
  }
}

TEST_P(EachTransform, DoesNotDependOnThreadsAndPartitions) {
  const Json data = MixedRows(9000);
  const RowView one = lab_.Rows(data);
  const auto fitted = Fit(one);
  ASSERT_TRUE(fitted.ok()) << Failure(fitted);
  const std::string state = (*fitted)->Save().dump();
  const Cells cells = TransformLab::Read(one.Through(*fitted).value()).value();
  const std::vector<std::pair<int, std::uint64_t>> ways = {{2, 0}, {3, 1000}, {7, 4097}, {2, 333}};
  for (const auto& [threads, partition_rows] : ways) {
    SCOPED_TRACE(partition_rows);
    const RowView rows = lab_.Rows(data, partition_rows);
    const auto again = Fit(rows, threads);
    ASSERT_TRUE(again.ok()) << Failure(again);
    EXPECT_EQ((*again)->Save().dump(), state);
    EXPECT_EQ(TransformLab::Read(rows.Through(*again).value()).value(), cells);
  }
}

TEST_P(EachTransform, FitsOneRowAndAppliesToNone) {
  Json row = MixedRows(1);
  for (auto& [key, value] : row.items()) {
    if (value[0].is_null()) value[0] = key.starts_with("time") ? Json(0) : Json("red text");
  }
  row["x"] = {0.5};
  row["flag"] = {true};
  const auto fitted = Fit(lab_.Rows(row));
  ASSERT_TRUE(fitted.ok()) << Failure(fitted);
  Json none = row;
  for (auto& [key, value] : none.items()) value = Json::array();
  none["x:float64"] = none["full:float64"] = none["color:category"] = none["flag:bool"] = none["x"];
  for (const char* key : {"x", "full", "color", "flag"}) none.erase(key);
  const auto seen = lab_.Rows(none).Through(*fitted);
  ASSERT_TRUE(seen.ok()) << Failure(seen);
  EXPECT_EQ(seen->rows(), 0U);
  EXPECT_TRUE(TransformLab::Read(*seen).ok());
}

INSTANTIATE_TEST_SUITE_P(All, EachTransform, ::testing::ValuesIn(Examples()), NameOf);

TEST(Transforms, AreAllTried) {
  for (const TransformType& type : TransformTypes()) {
    EXPECT_TRUE(std::ranges::any_of(Examples(), [&](const Example& one) {
      return one.transform == type.spec.name;
    })) << type.spec.name;
  }
}

// Rows that are wrong in one way, and what is said about it.
struct Mistake {
  std::string transform;
  Json params;
  Json columns;
  std::string message;

  friend void PrintTo(const Mistake& mistake, std::ostream* out) {
    *out << mistake.transform << " " << mistake.params;
  }
};

class EachMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(EachMistake, IsNamedWithARemedy) {
  TransformLab lab;
  const Mistake& mistake = GetParam();
  const RowView rows = lab.Rows(mistake.columns, 2);
  const auto seen = TransformLab::FitApply(mistake.transform, mistake.params, rows);
  const std::string message = seen.ok() ? Failure(TransformLab::Read(*seen)) : Failure(seen);
  EXPECT_EQ(message, mistake.message);
}

const Json kAge = {{"age", {1.5, nullptr, 3.0}}};
const Json kColor = {{"color", {"red", "blue", "red"}}};

INSTANTIATE_TEST_SUITE_P(
    All, EachMistake,
    ::testing::Values(
        Mistake{"standardize",
                {{"columns", {"agee"}}},
                kAge,
                "there is no column 'agee'; did you mean 'age'?\n  hint: the columns are: age"},
        Mistake{"drop",
                {{"columns", {"age", "age"}}},
                kAge,
                "the column 'age' is listed twice\n  hint: name it once"},
        Mistake{"standardize",
                {{"columns", {"color"}}},
                kColor,
                "the column 'color' is category, not a number\n  hint: one_hot: {columns: [color]} "
                "makes numbers of it"},
        Mistake{"impute",
                {{"columns", {"color"}}},
                kColor,
                "the column 'color' is category, which has no mean\n  hint: use strategy: "
                "most_frequent or constant for it"},
        Mistake{"impute",
                {{"columns", {"a"}}},
                {{"a:float64", {nullptr, nullptr}}},
                "the column 'a' has no value at all in the training rows\n  hint: drop: {columns: "
                "[a]}, or impute it with strategy: constant"},
        Mistake{"robust",
                {{"columns", {"a"}}},
                {{"a:float64", {nullptr, nullptr}}},
                "the column 'a' has no value at all in the training rows\n  hint: drop: {columns: "
                "[a]}, or impute it with strategy: constant"},
        Mistake{"impute",
                {{"columns", {"n"}}, {"strategy", "constant"}, {"fill_value", "x"}},
                {{"n", {1, nullptr}}},
                "the fill_value 'x' is no int64, as the column 'n' is\n  hint: give a value of "
                "that type, or leave the column out of `columns`"},
        Mistake{"log",
                {{"columns", {"age"}}},
                {{"age", {1.0, 2.0, -1.0}}},
                "row 3 of the column 'age' is -1, and the logarithm of 1 + x needs x > -1\n  hint: "
                "raise the offset, or clip the column first"},
        Mistake{"normalize",
                {{"columns", {"age"}}},
                kAge,
                "row 2 of the column 'age' has no value, so the row has no norm\n  hint: impute "
                "the column first"},
        Mistake{"clip",
                {{"columns", {"age"}}},
                kAge,
                "neither min nor max is given\n  hint: give one of them, or both"},
        Mistake{"clip",
                {{"min", 2.0}, {"max", 1.0}},
                kAge,
                "min 2 exceeds max 1\n  hint: exchange them"},
        Mistake{"min_max",
                {{"feature_range", {1.0, 1.0}}},
                kAge,
                "the feature_range does not ascend\n  hint: write it as [low, high]"},
        Mistake{"robust",
                {{"quantile_range", {25.0, 175.0}}},
                kAge,
                "the quantile_range does not ascend within 0 to 100\n  hint: write it in percent, "
                "such as [25, 75]"},
        Mistake{"cast",
                {{"columns", {{"color", "int64"}}}},
                kColor,
                "the column 'color': row 1 is 'red', which is no int64\n  hint: correct the value, "
                "or choose another type"},
        Mistake{"cast",
                {{"columns", {{"age", "int64"}}}},
                kAge,
                "the column 'age': row 1 is '1.5', which is no int64\n  hint: correct the value, "
                "or choose another type"},
        Mistake{"rename",
                {{"columns", {{"a", "b"}}}},
                {{"a", {1}}, {"b", {2}}},
                "there would be two columns 'b'\n  hint: choose another name, or drop the other "
                "column first"},
        Mistake{"rename",
                {{"columns", {{"a", ""}}}},
                {{"a", {1}}},
                "the new name of the column 'a' is empty"},
        Mistake{"one_hot",
                {{"columns", {"text"}}, {"categories", {{"a", {"b"}}}}},
                {{"text:string", {"a", "b"}}},
                "categories are given for 'a', which is not among the columns\n  hint: add it to "
                "`columns`"},
        Mistake{"one_hot",
                {{"categories", {{"color", {"red"}}}}},
                kColor,
                "the column 'color' holds 'blue', which is not among its categories\n  hint: add "
                "it to categories, or set handle_unknown"},
        Mistake{"ordinal",
                {{"categories", {{"color", {"red", "blue", "red"}}}}},
                kColor,
                "'red' is twice among the categories of the column 'color'\n  hint: name it once"},
        Mistake{"ordinal",
                {{"unknown_value", -1.0}},
                kColor,
                "unknown_value needs handle_unknown: use_encoded_value"},
        Mistake{"ordinal",
                {{"handle_unknown", "use_encoded_value"}, {"unknown_value", 1.0}},
                kColor,
                "unknown_value 1 is the number of 'red' in the column 'color'\n  hint: choose "
                "another one, such as -1"},
        Mistake{"tfidf",
                {{"columns", {"age"}}},
                kAge,
                "the column 'age' is float64, not text\n  hint: leave it out of `columns`"},
        Mistake{"tfidf",
                {{"columns", {"color"}}, {"min_df", 3}},
                kColor,
                "min_df and max_df leave no term of the column 'color'\n  hint: lower min_df or "
                "raise max_df"},
        Mistake{"tfidf",
                {{"columns", {"color"}}, {"ngram_range", {2, 1}}},
                kColor,
                "the ngram_range does not ascend from at least 1\n  hint: write it as [1, 2] for "
                "words and pairs of words"},
        Mistake{"tfidf",
                {{"columns", {"t"}}},
                {{"t:string", {"", "a !"}}},
                "the column 't' has no terms in the training rows\n  hint: are its texts empty, or "
                "all stop words? leave it out of `columns`"},
        Mistake{"tfidf",
                {{"columns", {"color"}}, {"analyzer", "char"}, {"stop_words", "english"}},
                kColor,
                "stop_words go with analyzer: word only\n  hint: leave them out"},
        Mistake{"hashing",
                {{"columns", {"color"}}, {"sparse_output", false}},
                kColor,
                "the column 'color' would become 1048576 columns, and 2000 are allowed\n  hint: "
                "set sparse_output: true, or keep fewer features"},
        Mistake{"date_parts",
                {{"columns", {"color"}}},
                kColor,
                "the column 'color' is category, not timestamp\n  hint: cast: {columns: {color: "
                "timestamp}} reads text as dates"}));

}  // namespace
}  // namespace dml::steps
