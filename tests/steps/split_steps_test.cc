// The steps that divide rows: which rows go where, that nothing but data, parameters and seed
// decides it, and what they refuse.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

constexpr int kRows = 200;

// id, class (a in 3 of 4 rows), group (g0 ... g24), day
std::string People() {
  std::string text = "id,class,group,day\n";
  for (int i = 0; i < kRows; ++i) {
    text += fmt::format("{},{},g{},2026-{:02}-{:02}\n", i, i % 4 == 0 ? "b" : "a", i * 7 % 25,
                        i / 20 + 1, i % 20 + 1);
  }
  return text;
}

class SplitSteps : public StepLab {
 protected:
  using Ids = std::set<int>;

  void SetUp() override {
    people_ = Csv(People());
    pieces_ = Csv(People(), 7);
  }
  StepRun On(const Artifact& table, const std::string& uses, const Json& params, int threads = 1) {
    return Run(uses, params, {{"data", table}}, threads);
  }
  static std::vector<int> IdList(const StepRun& run, const std::string& port) {
    std::vector<int> ids;
    for (const auto& row : Rows(run.outputs.at(port))) ids.push_back(std::stoi(row[0]));
    return ids;
  }
  static Ids IdsOf(const StepRun& run, const std::string& port) {
    const std::vector<int> ids = IdList(run, port);
    EXPECT_TRUE(std::ranges::is_sorted(ids)) << "rows keep their order";
    return {ids.begin(), ids.end()};
  }
  // The values of a column on one side, with their counts.
  static std::map<std::string, int> Count(const StepRun& run, const std::string& port,
                                          std::size_t column) {
    std::map<std::string, int> counts;
    for (const auto& row : Rows(run.outputs.at(port))) ++counts[row[column]];
    return counts;
  }
  static void ExpectDivided(const StepRun& run) {
    ASSERT_TRUE(run.ok()) << run.Failure();
    Ids all = IdsOf(run, "train");
    all.merge(IdsOf(run, "test"));
    EXPECT_EQ(all.size(), static_cast<std::size_t>(kRows));
    EXPECT_EQ(run.metrics["train_rows"].get<int>() + run.metrics["test_rows"].get<int>(), kRows);
  }
  std::string ErrorOf(const std::string& uses, const Json& params) {
    const StepRun run = On(people_, uses, params);
    EXPECT_FALSE(run.ok());
    return run.Failure();
  }

  Artifact people_;
  Artifact pieces_;
};

TEST_F(SplitSteps, RandomRowsAreAFunctionOfTheSeed) {
  const StepRun run = On(people_, "split.train_test", {{"test_size", 0.2}, {"seed", 1}});
  ExpectDivided(run);
  EXPECT_EQ(run.metrics["test_rows"], 40);
  const Ids test = IdsOf(run, "test");
  EXPECT_NE(IdsOf(On(people_, "split.train_test", {{"test_size", 0.2}, {"seed", 2}}), "test"),
            test);
  const StepRun wider = On(people_, "split.train_test", {{"test_size", 60}, {"seed", 1}});
  EXPECT_TRUE(std::ranges::includes(IdsOf(wider, "test"), test)) << "a larger share adds rows";
  const StepRun by_train = On(people_, "split.train_test", {{"train_size", 0.8}, {"seed", 1}});
  EXPECT_EQ(IdsOf(by_train, "test"), test);
}

TEST_F(SplitSteps, PartitionsAndThreadsChangeNothing) {
  const std::map<std::string, Json> steps{
      {"random", {{"test_size", 0.3}, {"seed", 3}}},
      {"stratify", {{"test_size", 0.3}, {"seed", 3}, {"stratify", "class"}}},
      {"group", {{"test_size", 0.3}, {"seed", 3}, {"group", "group"}}},
      {"time", {{"test_size", 0.3}, {"time", "day"}}},
  };
  for (const auto& [name, params] : steps) {
    const StepRun whole = On(people_, "split.train_test", params);
    ExpectDivided(whole);
    const StepRun pieces = On(pieces_, "split.train_test", params);
    EXPECT_EQ(IdsOf(pieces, "test"), IdsOf(whole, "test")) << name;
    const StepRun threads = On(pieces_, "split.train_test", params, 3);
    EXPECT_EQ(Bytes(threads.outputs.at("test")), Bytes(pieces.outputs.at("test"))) << name;
    EXPECT_EQ(Bytes(threads.outputs.at("train")), Bytes(pieces.outputs.at("train"))) << name;
  }
}

TEST_F(SplitSteps, StratifiedSidesKeepTheShares) {
  const StepRun run = On(people_, "split.train_test", {{"test_size", 0.2}, {"stratify", "class"}});
  ExpectDivided(run);
  EXPECT_EQ(Count(run, "test", 1), (std::map<std::string, int>{{"a", 30}, {"b", 10}}));
}

TEST_F(SplitSteps, GroupsStayTogether) {
  const StepRun run = On(people_, "split.train_test", {{"test_size", 0.2}, {"group", "group"}});
  ExpectDivided(run);
  EXPECT_EQ(run.metrics["test_rows"], 40);
  EXPECT_TRUE(run.warnings.empty());
  const auto train = Count(run, "train", 2);
  for (const auto& [group, count] : Count(run, "test", 2)) {
    EXPECT_FALSE(train.contains(group)) << group;
    EXPECT_EQ(count, kRows / 25);
  }
}

// One group has 80 of 100 rows, four have 5 each.
std::string OneLargeGroup() {
  std::string text = "id,g\n";
  for (int i = 0; i < 100; ++i)
    text += fmt::format("{},{}\n", i, i < 80 ? "a" : std::to_string(i % 4));
  return text;
}

TEST_F(SplitSteps, ALargeGroupStaysWhereItBringsTheShareNearer) {
  const Artifact table = Csv(OneLargeGroup());
  std::set<std::vector<int>> choices;
  for (int seed = 0; seed < 8; ++seed) {
    for (const int wanted : {5, 10, 20, 80, 85}) {
      const StepRun run = On(table, "split.train_test",
                             {{"test_size", wanted / 100.0}, {"group", "g"}, {"seed", seed}});
      ASSERT_TRUE(run.ok()) << run.Failure();
      EXPECT_NEAR(run.metrics["test_rows"].get<double>(), wanted, 5) << "seed " << seed;
      EXPECT_TRUE(run.warnings.empty()) << run.warnings.front();
      if (wanted == 10) choices.insert(IdList(run, "test"));
    }
  }
  EXPECT_GT(choices.size(), 1U) << "the seed draws the groups";
}

TEST_F(SplitSteps, AShareThatWholeGroupsCannotMeetIsSaid) {
  const Artifact table = Csv(OneLargeGroup());
  const StepRun half = On(table, "split.train_test", {{"test_size", 0.4}, {"group", "g"}});
  EXPECT_EQ(half.metrics["test_rows"], 20);
  EXPECT_EQ(half.warnings, std::vector<std::string>{
                               "The test side has 20 % of the rows instead of 40 %, because rows "
                               "with the same 'g' stay together."});
  const StepRun fold = On(table, "split.kfold", {{"folds", 4}, {"fold", 0}, {"group", "g"}});
  EXPECT_EQ(fold.metrics["test_rows"], 80);
  EXPECT_EQ(fold.warnings, std::vector<std::string>{
                               "The test side has 80 % of the rows instead of 25 %, because rows "
                               "with the same 'g' stay together."});
  const StepRun uneven =
      On(Csv("id\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"), "split.kfold", {{"folds", 3}, {"fold", 0}});
  EXPECT_EQ(uneven.metrics["test_rows"], 4);
  EXPECT_TRUE(uneven.warnings.empty()) << "no rows stay together: " << uneven.warnings.front();
  const StepRun few = On(Csv("id,g\n1,a\n2,a\n3,b\n4,b\n"), "split.train_test",
                         {{"test_size", 0.25}, {"group", "g"}});
  EXPECT_EQ(few.metrics["test_rows"], 2) << "neither side is empty";
  EXPECT_EQ(few.warnings.size(), 1U);
}

TEST_F(SplitSteps, LaterRowsAreTestedOn) {
  const StepRun run = On(people_, "split.train_test", {{"test_size", 0.25}, {"time", "day"}});
  ExpectDivided(run);
  EXPECT_EQ(*IdsOf(run, "test").begin(), 150);
  const StepRun last = On(people_, "split.train_test", {{"test_size", 0.25}, {"shuffle", false}});
  EXPECT_EQ(IdsOf(last, "test"), IdsOf(run, "test"));
}

TEST_F(SplitSteps, EveryRowIsTestedOnByOneFold) {
  for (const char* by : {"", "stratify", "group", "shuffle"}) {
    Ids all;
    for (int fold = 0; fold < 5; ++fold) {
      Json params = {{"folds", 5}, {"fold", fold}, {"seed", 9}};
      if (std::string_view(by) == "stratify") params[by] = "class";
      if (std::string_view(by) == "group") params[by] = "group";
      if (std::string_view(by) == "shuffle") params[by] = false;
      const StepRun run = On(people_, "split.kfold", params);
      ExpectDivided(run);
      EXPECT_EQ(IdsOf(On(pieces_, "split.kfold", params, 3), "test"), IdsOf(run, "test"));
      for (const int id : IdsOf(run, "test")) EXPECT_TRUE(all.insert(id).second) << id;
      if (std::string_view(by) == "stratify") {
        EXPECT_EQ(Count(run, "test", 1), (std::map<std::string, int>{{"a", 30}, {"b", 10}}));
      }
    }
    EXPECT_EQ(all.size(), static_cast<std::size_t>(kRows)) << by;
  }
}

TEST_F(SplitSteps, FoldsOfATimeSeriesTrainOnThePast) {
  for (int fold = 0; fold < 4; ++fold) {
    const StepRun run = On(people_, "split.kfold", {{"folds", 4}, {"fold", fold}, {"time", "day"}});
    ASSERT_TRUE(run.ok()) << run.Failure();
    EXPECT_EQ(IdsOf(run, "test").size(), 40U);
    EXPECT_EQ(*IdsOf(run, "train").rbegin() + 1, *IdsOf(run, "test").begin());
    EXPECT_EQ(*IdsOf(run, "test").begin(), 40 * (fold + 1));
  }
}

TEST_F(SplitSteps, SamplesWithoutReplacement) {
  const StepRun run = On(people_, "sample", {{"n", 30}, {"seed", 4}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(IdsOf(run, "data").size(), 30U) << "no row twice";
  EXPECT_EQ(run.metrics["rows"], 30);
  const StepRun pieces = On(pieces_, "sample", {{"fraction", 0.15}, {"seed", 4}}, 3);
  EXPECT_EQ(IdsOf(pieces, "data"), IdsOf(run, "data"));
  EXPECT_EQ(IdsOf(On(people_, "sample", {{"fraction", 1.0}}), "data").size(), 200U);
  const StepRun shares = On(people_, "sample", {{"n", 20}, {"stratify", "class"}});
  EXPECT_EQ(Count(shares, "data", 1), (std::map<std::string, int>{{"a", 15}, {"b", 5}}));
}

TEST_F(SplitSteps, SamplesWithReplacementRepeatRows) {
  const Json params = {{"n", 1000}, {"replace", true}, {"seed", 4}};
  const StepRun run = On(people_, "sample", params);
  ASSERT_TRUE(run.ok()) << run.Failure();
  std::vector<int> ids = IdList(run, "data");
  EXPECT_EQ(ids.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(ids)) << "copies stand together";
  EXPECT_EQ(IdList(On(pieces_, "sample", params, 3), "data"), ids);
  std::map<int, int> times;
  for (const int id : ids) ++times[id];
  double chi_square = 0;
  for (int id = 0; id < kRows; ++id) chi_square += std::pow(times[id] - 5.0, 2) / 5.0;
  EXPECT_LT(chi_square, 270.0) << "199 degrees of freedom; 0.1 % lies beyond 267";
  EXPECT_GT(chi_square, 140.0);
  const StepRun shares =
      On(people_, "sample", {{"n", 400}, {"replace", true}, {"stratify", "class"}});
  EXPECT_EQ(Count(shares, "data", 1), (std::map<std::string, int>{{"a", 300}, {"b", 100}}));
}

TEST_F(SplitSteps, WhatCannotBeDividedIsRefused) {
  EXPECT_EQ(ErrorOf("split.train_test", {{"test_size", 200}}),
            "test_size: 200 of 200 rows leaves one side empty | choose a size that leaves rows on "
            "both sides");
  EXPECT_EQ(ErrorOf("split.train_test", {{"test_size", 0.2}, {"train_size", 0.2}}),
            "test_size and train_size are both given | keep one of them");
  EXPECT_EQ(ErrorOf("split.train_test", {{"stratify", "class"}, {"group", "group"}}),
            "stratify, group and time exclude each other | keep one of them");
  EXPECT_EQ(ErrorOf("split.train_test", {{"stratify", "id"}}),
            "the value '0' of the column 'id' has 1 row, and 2 are needed | drop such rows, merge "
            "rare classes, or leave out stratify");
  EXPECT_EQ(ErrorOf("split.train_test", {{"time", "class"}}),
            "the column 'class' is text, not a time | load it as a timestamp: types: {class: "
            "timestamp}");
  EXPECT_NE(ErrorOf("split.train_test", {{"group", "gruop"}}).find("did you mean 'group'?"),
            std::string::npos);
  EXPECT_EQ(ErrorOf("split.kfold", {{"folds", 5}, {"fold", 5}}),
            "there is no fold 5 of 5 | folds count from 0 to 4");
  EXPECT_EQ(ErrorOf("split.kfold", {{"folds", 26}, {"fold", 0}, {"group", "group"}}),
            "25 groups cannot make 26 folds | use at most 25 folds");
  EXPECT_EQ(ErrorOf("sample", {{"n", 201}}),
            "201 rows cannot be drawn from a table of 200 without replacement | draw fewer, or set "
            "replace: true");
  EXPECT_EQ(ErrorOf("sample", Json::object()), "the sample has no size | give n or fraction");
  EXPECT_EQ(ErrorOf("sample", {{"fraction", 0.001}}),
            "a fraction of 0.001 of 200 rows is no row | raise fraction, or give n");
}

TEST_F(SplitSteps, ARareClassWarnsFolds) {
  std::string text = "id,class\n";
  for (int i = 0; i < 20; ++i) text += fmt::format("{},{}\n", i, i < 3 ? "rare" : "common");
  const StepRun run =
      On(Csv(text), "split.kfold", {{"folds", 5}, {"fold", 0}, {"stratify", "class"}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(run.warnings,
            (std::vector<std::string>{"The rarest value of 'class' has 3 rows, fewer than 5 folds: "
                                      "some folds lack it."}));
}

}  // namespace
}  // namespace dml::steps
