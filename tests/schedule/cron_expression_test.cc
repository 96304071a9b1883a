#include "orchestrator/schedule/cron_expression.h"

#include <gtest/gtest.h>

#include <string>

namespace dml::schedule {
namespace {

std::string ErrorOf(const char* text) {
  const auto parsed = CronExpression::Parse(text);
  return parsed.ok() ? "no error" : parsed.error().message;
}

TEST(CronExpression, AStepBeyondTheFieldIsNoInterval) {
  for (const char* text : {"*/90 * * * *", "*/60 * * * *", "0 */24 * * *", "0 0 */31 * *"}) {
    const auto cron = CronExpression::Parse(text);
    ASSERT_FALSE(cron.ok()) << text;
    EXPECT_NE(cron.error().message.find("longer than the field"), std::string::npos) << text;
  }
  EXPECT_TRUE(CronExpression::Parse("*/59 */23 */30 */11 *").ok());
}

TEST(CronExpression, ReadsListsRangesStepsAndNames) {
  const auto cron = CronExpression::Parse("*/15 8-18/5 1,15 JAN-mar,12 mon-FRI");
  ASSERT_TRUE(cron.ok()) << cron.error().Render();
  EXPECT_EQ(cron->minutes().count(), 4U);
  EXPECT_TRUE(cron->minutes()[45]);
  EXPECT_EQ(cron->hours().to_string(), "000001000010000100000000");
  EXPECT_TRUE(cron->MatchesDay(12, 15, 0, 31));  // by day of month
  EXPECT_TRUE(cron->MatchesDay(2, 4, 3, 28));    // by weekday
  EXPECT_FALSE(cron->MatchesDay(2, 4, 0, 28));   // neither
  EXPECT_FALSE(cron->MatchesDay(4, 15, 1, 30));  // not the month
}

TEST(CronExpression, OneRestrictedDayFieldDecidesAlone) {
  const auto weekly = CronExpression::Parse("0 0 * * 7");
  EXPECT_TRUE(weekly->MatchesDay(5, 3, 0, 31));
  EXPECT_FALSE(weekly->MatchesDay(5, 3, 1, 31));
  const auto monthly = CronExpression::Parse("0 0 3 * *");
  EXPECT_TRUE(monthly->MatchesDay(5, 3, 2, 31));
  EXPECT_FALSE(monthly->MatchesDay(5, 4, 2, 31));
}

TEST(CronExpression, KnowsLastAndNth) {
  const auto last = CronExpression::Parse("0 0 L * *");
  EXPECT_TRUE(last->MatchesDay(2, 29, 4, 29));
  EXPECT_FALSE(last->MatchesDay(2, 28, 3, 29));
  const auto before_last = CronExpression::Parse("0 0 L-2 * *");
  EXPECT_TRUE(before_last->MatchesDay(4, 28, 0, 30));
  const auto second_monday = CronExpression::Parse("0 0 * * MON#2");
  EXPECT_TRUE(second_monday->MatchesDay(6, 8, 1, 30));
  EXPECT_FALSE(second_monday->MatchesDay(6, 1, 1, 30));
  const auto last_friday = CronExpression::Parse("0 0 * * 5L");
  EXPECT_TRUE(last_friday->MatchesDay(1, 25, 5, 31));
  EXPECT_FALSE(last_friday->MatchesDay(1, 24, 5, 31));
}

TEST(CronExpression, SecondsComeFirstWhenThereAreSix) {
  const auto cron = CronExpression::Parse("*/20 0 0 * * *");
  EXPECT_EQ(cron->seconds().count(), 3U);
  EXPECT_EQ(cron->hours().count(), 1U);
  EXPECT_FALSE(cron->every_hour());
  EXPECT_TRUE(CronExpression::Parse("0 */2 * * *")->every_hour());
}

TEST(CronExpression, NicknamesKeepTheirText) {
  const auto daily = CronExpression::Parse("@daily");
  ASSERT_TRUE(daily.ok());
  EXPECT_EQ(daily->text(), "@daily");
  EXPECT_TRUE(daily->hours()[0]);
  EXPECT_EQ(daily->hours().count(), 1U);
}

TEST(CronExpression, SaysWhatIsWrong) {
  EXPECT_EQ(ErrorOf("* * * *"), "'* * * *' has 4 fields where 5 or 6 are needed");
  EXPECT_EQ(ErrorOf("60 * * * *"), "in the minute field, '60' is out of range");
  EXPECT_EQ(ErrorOf("* * * * MOO"),
            "in the day of week field, 'MOO' is not a value, range or step");
  EXPECT_EQ(ErrorOf("*/0 * * * *"), "in the minute field, '*/0' has no step above zero");
  EXPECT_EQ(ErrorOf("5-1 * * * *"), "in the minute field, '5-1' runs backwards");
  const auto hint = [](const char* text) { return CronExpression::Parse(text).error().hint; };
  EXPECT_EQ(hint("5-1 * * * *"), "write 5-59,0-1");
  EXPECT_EQ(hint("0 0 * * SAT-MON"), "write SAT,SUN-MON");
  EXPECT_EQ(hint("0 0 * * FRI-SUN"), "write FRI-SAT,SUN");
  EXPECT_EQ(hint("0 0 * * 7-2"), "write 0-2");
  EXPECT_EQ(hint("0 0 * NOV-FEB *"), "write NOV-DEC,JAN-FEB");
  for (const char* written : {"0 0 * * SAT,SUN-MON", "0 0 * NOV-DEC,JAN-FEB *"}) {
    EXPECT_TRUE(CronExpression::Parse(written).ok()) << written;
  }
  EXPECT_EQ(ErrorOf("0 0 30 2 *"), "'0 0 30 2 *' never comes");
  EXPECT_EQ(ErrorOf("0 0 L-30 2 *"), "'0 0 L-30 2 *' never comes");
  EXPECT_TRUE(CronExpression::Parse("0 0 L-28 2 *").ok()) << "1 February of leap years";
  EXPECT_TRUE(CronExpression::Parse("0 0 30,L-30 1 *").ok());
  EXPECT_EQ(ErrorOf("0 0 * * 1#6"), "in the day of week field, '1#6' is not day#1 to day#5");
  EXPECT_EQ(ErrorOf("@often"), "unknown schedule '@often'");
  for (const char* text : {"", ",", "1, * * * *", "-1 * * * *", "1- * * * *", "0 0 Lx * *",
                           "0 0 * * #2", "0 0 * * L", "99999999999 * * * *"}) {
    EXPECT_FALSE(CronExpression::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace dml::schedule
