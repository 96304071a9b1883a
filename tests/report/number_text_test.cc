#include "orchestrator/report/number_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace dml::report {
namespace {

TEST(NumberText, SuitsTheMagnitude) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(6000), "6000");
  EXPECT_EQ(NumberText(0.72314), "0.7231");
  EXPECT_EQ(NumberText(-0.5), "-0.5000");
  EXPECT_EQ(NumberText(3.1e-7), "3.1e-07");
  EXPECT_EQ(NumberText(12.3456789), "12.346");
  EXPECT_EQ(NumberText(123456.78), "123456.8");
  EXPECT_EQ(NumberText(1.5e12 + 0.5), "1.5e+12");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(NumberText(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(SignedNumberText, ShowsTheSign) {
  EXPECT_EQ(SignedNumberText(0.01), "+0.0100");
  EXPECT_EQ(SignedNumberText(-0.01), "-0.0100");
  EXPECT_EQ(SignedNumberText(0), "0");
}

TEST(TickText, IsShort) {
  EXPECT_EQ(TickText(0.2), "0.2");
  EXPECT_EQ(TickText(15000), "15k");
  EXPECT_EQ(TickText(2.5e6), "2.5M");
  EXPECT_EQ(TickText(1e12), "1e+12");
}

TEST(SecondsText, ReadsAsPeopleSayIt) {
  EXPECT_EQ(SecondsText(0.085), "85 ms");
  EXPECT_EQ(SecondsText(-3599.5), "?") << "the clock was set back";
  EXPECT_EQ(SecondsText(3.21), "3.2 s");
  EXPECT_EQ(SecondsText(42.4), "42 s");
  EXPECT_EQ(SecondsText(59.96), "1m 00s");
  EXPECT_EQ(SecondsText(65), "1m 05s");
  EXPECT_EQ(SecondsText(7380), "2h 03m");
}

TEST(CellText, ShowsAnyJson) {
  EXPECT_EQ(CellText(Json()), "-");
  EXPECT_EQ(CellText("a"), "a");
  EXPECT_EQ(CellText(3), "3");
  EXPECT_EQ(CellText(true), "true");
  EXPECT_EQ(CellText({1, 2}), "[1,2]");
}

}  // namespace
}  // namespace dml::report
