#include "base/quantity.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(Duration, ReadsUnits) {
  EXPECT_EQ(ParseDuration("250ms")->ns, 250'000'000);
  EXPECT_EQ(ParseDuration("30s")->ns, 30'000'000'000);
  EXPECT_EQ(ParseDuration("1h30m")->ns, 5'400'000'000'000);
  EXPECT_EQ(ParseDuration("1.5h")->ns, 5'400'000'000'000);
  EXPECT_EQ(ParseDuration("2d")->ns, 172'800'000'000'000);
}

TEST(Duration, RefusesWhatIsAmbiguousOrBroken) {
  for (const char* text : {"", "30", "s", "1x", "-1s", "1h 30m", "nan s", "1e300s", "1h30"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Duration, PrintsForPeople) {
  EXPECT_EQ(FormatDuration(Duration::Millis(42)), "42ms");
  EXPECT_EQ(FormatDuration(Duration::Millis(2500)), "2.5s");
  EXPECT_EQ(FormatDuration(Duration::Seconds(59)), "59s");
  EXPECT_EQ(FormatDuration(Duration::Seconds(90)), "1m30s");
  EXPECT_EQ(FormatDuration(Duration::Seconds(5400)), "1h30m");
  EXPECT_EQ(FormatDuration(Duration::Seconds(90000)), "1d01h");
}

TEST(Size, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(*ParseSize("512Mi"), 512LL << 20);
  EXPECT_EQ(*ParseSize("4Gi"), 4LL << 30);
  EXPECT_EQ(*ParseSize("1.5Ki"), 1536);
  EXPECT_EQ(*ParseSize("1GB"), 1'000'000'000);
  EXPECT_EQ(*ParseSize("100"), 100);
}

TEST(Size, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "Mi", "4Gb", "-1Mi", "1 Gi", "9e9Ti"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(Size, PrintsForPeople) {
  EXPECT_EQ(FormatSize(100), "100 B");
  EXPECT_EQ(FormatSize(512LL << 20), "512 MiB");
  EXPECT_EQ(FormatSize(1536), "1.5 KiB");
}

TEST(Utc, PrintsIsoTime) {
  EXPECT_EQ(FormatUtc({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatUtc({1'700'000'000'123'456}), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(FormatUtc({-1}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace dml
