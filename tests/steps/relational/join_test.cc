// The step join, against the pairs that SQL finds.

#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

using Table = std::vector<std::vector<std::string>>;

class JoinStepTest : public StepLab {
 protected:
  StepRun Join(const Json& params, const Artifact& left, const Artifact& right, int threads = 1) {
    return Run("join", params, {{"left", left}, {"right", right}}, threads);
  }
  static constexpr char kOrders[] =
      "id,who,item\n1,ann,pen\n2,bob,ink\n3,,nib\n4,eve,pad\n5,ann,ink\n";
  static constexpr char kPeople[] =
      "who,city,id\nann,Rome,7\ncid,Oslo,8\nann,Bonn,9\n,Kyiv,10\nbob,,11\n";
};

TEST_F(JoinStepTest, InnerKeepsPairsInTheOrderOfTheLeft) {
  const Table expected{{"1", "ann", "pen", "Rome", "7"},
                       {"1", "ann", "pen", "Bonn", "9"},
                       {"2", "bob", "ink", "", "11"},
                       {"5", "ann", "ink", "Rome", "7"},
                       {"5", "ann", "ink", "Bonn", "9"}};
  for (const std::uint64_t partitions : {1U, 2U, 3U, 7U}) {
    for (const int threads : {1, 2, 3, 7}) {
      StepRun run =
          Join({{"on", "who"}}, Csv(kOrders, partitions), Csv(kPeople, 8 - partitions), threads);
      ASSERT_TRUE(run.ok()) << run.Failure();
      EXPECT_EQ(Rows(run.outputs["data"]), expected);
      EXPECT_EQ(run.metrics["rows"], 5);
    }
  }
}

TEST_F(JoinStepTest, NamesOfTheRightGetASuffix) {
  StepRun run = Join({{"on", "who"}}, Csv(kOrders), Csv(kPeople));
  auto table = table::Table::Open(run.outputs["data"].files);
  EXPECT_EQ(table->schema().Names(),
            (std::vector<std::string>{"id", "who", "item", "city", "id_right"}));
  run = Join({{"on", "who"}, {"suffix", "_2"}}, Csv(kOrders), Csv(kPeople));
  table = table::Table::Open(run.outputs["data"].files);
  EXPECT_EQ(table->schema().Names().back(), "id_2");
}

TEST_F(JoinStepTest, OuterJoinsKeepWhatHasNoMatch) {
  StepRun left = Join({{"on", {"who"}}, {"how", "left"}}, Csv(kOrders, 2), Csv(kPeople, 3), 2);
  ASSERT_TRUE(left.ok()) << left.Failure();
  EXPECT_EQ(Rows(left.outputs["data"]), (Table{{"1", "ann", "pen", "Rome", "7"},
                                               {"1", "ann", "pen", "Bonn", "9"},
                                               {"2", "bob", "ink", "", "11"},
                                               {"3", "", "nib", "", ""},
                                               {"4", "eve", "pad", "", ""},
                                               {"5", "ann", "ink", "Rome", "7"},
                                               {"5", "ann", "ink", "Bonn", "9"}}));
  StepRun right = Join({{"on", "who"}, {"how", "right"}}, Csv(kOrders, 2), Csv(kPeople, 3), 2);
  ASSERT_TRUE(right.ok()) << right.Failure();
  EXPECT_EQ(Rows(right.outputs["data"]), (Table{{"1", "ann", "pen", "Rome", "7"},
                                                {"1", "ann", "pen", "Bonn", "9"},
                                                {"2", "bob", "ink", "", "11"},
                                                {"5", "ann", "ink", "Rome", "7"},
                                                {"5", "ann", "ink", "Bonn", "9"},
                                                {"", "cid", "", "Oslo", "8"},
                                                {"", "", "", "Kyiv", "10"}}));
  StepRun full = Join({{"on", "who"}, {"how", "full"}}, Csv(kOrders, 2), Csv(kPeople, 3), 2);
  ASSERT_TRUE(full.ok()) << full.Failure();
  EXPECT_EQ(Rows(full.outputs["data"]).size(), 9U);
}

TEST_F(JoinStepTest, KeysOfOtherNamesAndTypes) {
  const Artifact left = Csv("a,b,x\n1,2011-01-01,p\n2,2011-01-02,q\n3,2011-01-03,r\n");
  const Artifact right =
      Csv("k,day,y\n1.0,2011-01-01,s\n2.5,2011-01-02,t\n3,2011-01-03 00:00:00,u\n");
  StepRun run = Join({{"on", {{"a", "k"}, {"b", "day"}}}}, left, right);
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs["data"]),
            (Table{{"1", "2011-01-01", "p", "s"}, {"3", "2011-01-03", "r", "u"}}));
  EXPECT_EQ(Join({{"on", {{"a", "y"}}}}, left, right).result.error().Render(),
            "the key 'a' is int64 on the left, 'y' is category on the right: no row can match\n"
            "  hint: convert one of them, such as derive: {columns: {KEY: \"CAST(KEY AS TEXT)\"}}");
  EXPECT_EQ(Join({{"on", {{"a", "k"}}}, {"how", "full"}}, left, right).result.error().message,
            "the key 'a' is int64 on the left and float64 on the right: a full join has to keep "
            "values of the right in the column of the left");
  EXPECT_EQ(Join({{"on", "aa"}}, left, right).result.error().message.substr(0, 15),
            "the left table:");
}

TEST_F(JoinStepTest, EmptyTables) {
  const Artifact orders = Csv(kOrders, 2);
  const Artifact none =
      Run("filter", {{"where", "0"}}, {{"data", Csv(kPeople, 2)}}).outputs["data"];
  EXPECT_EQ(Rows(Join({{"on", "who"}}, orders, none).outputs["data"]).size(), 0U);
  EXPECT_EQ(Rows(Join({{"on", "who"}, {"how", "left"}}, orders, none).outputs["data"]).size(), 5U);
  EXPECT_EQ(Rows(Join({{"on", "who"}, {"how", "right"}}, none, orders).outputs["data"]).size(), 5U);
  EXPECT_EQ(Join({{"on", "who"}}, none, orders).warnings.size(), 1U);
}

// 3,000 x 3,000 equal keys: nine partitions of one.
TEST_F(JoinStepTest, MatchesThatMultiplyAreCutIntoPartitions) {
  std::string csv = "k,v\n";
  for (int i = 0; i < 3000; ++i) csv += "1," + std::to_string(i) + "\n";
  const Artifact table = Csv(csv);
  std::string bytes;
  for (const int threads : {1, 3}) {
    StepRun run = Join({{"on", "k"}}, table, table, threads);
    ASSERT_TRUE(run.ok()) << run.Failure();
    EXPECT_EQ(run.metrics["rows"], 9'000'000);
    EXPECT_EQ(run.outputs["data"].files.size(), 10U);
    if (bytes.empty()) bytes = Bytes(run.outputs["data"]);
    EXPECT_EQ(Bytes(run.outputs["data"]), bytes);
  }
}

TEST_F(JoinStepTest, AnIndexLargerThanItsShareLiesInTheScratchFolder) {
  std::string csv = "k\n";
  for (int i = 0; i < 50'000; ++i) csv += std::to_string(i * 31 % 50'000) + "\n";
  const Artifact table = Csv(csv, 3);
  const std::string expected = Bytes(Join({{"on", "k"}}, table, table).outputs["data"]);
  memory_bytes_ = 1 << 20;
  StepRun run = Join({{"on", "k"}}, table, table, 2);
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Bytes(run.outputs["data"]), expected);
}

}  // namespace
}  // namespace dml::steps
