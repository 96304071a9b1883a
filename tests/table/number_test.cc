#include "plugins/table/csv/number.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <string>

#include "base/random.h"
#include "plugins/table/civil_time.h"

namespace dml::table {
namespace {

// The fast path either declines or agrees with strtod to the last bit.
void ExpectLikeStrtod(const std::string& text) {
  const std::string padded = text + "," + std::string(64, '\0');
  const double expected = std::strtod(text.c_str(), nullptr);
  const char* at = padded.data();
  double value = 0;
  if (EatDouble(at, value)) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(value), std::bit_cast<std::uint64_t>(expected)) << text;
    EXPECT_EQ(at, padded.data() + text.size()) << text;
  } else {
    EXPECT_EQ(at, padded.data()) << text;
  }
  const auto parsed = ParseDouble(text);
  ASSERT_TRUE(parsed.has_value()) << text;
  EXPECT_EQ(std::bit_cast<std::uint64_t>(*parsed), std::bit_cast<std::uint64_t>(expected)) << text;
}

TEST(Number, AgreesWithStrtodOnDecimals) {
  const Philox random(1, "number_test");
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const auto digits = random.Bits(i) >> random.Below(64, i, 1);
    const std::string whole = fmt::format("{}", digits);
    const std::string_view text = whole;
    const std::uint64_t point = 1 + random.Below(text.size(), i, 2);
    ExpectLikeStrtod(fmt::format("{}{}{}{}", random.Below(2, i, 3) == 0 ? "-" : "",
                                 text.substr(0, point), point < text.size() ? "." : "",
                                 text.substr(point)));
  }
}

TEST(Number, AgreesWithStrtodOnShortestTexts) {
  const Philox random(2, "number_test");
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    ExpectLikeStrtod(fmt::format("{}", random.Normal(i)));
    ExpectLikeStrtod(fmt::format("{:.17g}", random.Uniform(i) * 1e18));
  }
  for (const char* text : {"0", "-0", "0.0", "9007199254740993", "9007199254740992.5", "1e22",
                           "1.7976931348623157e308", "5e-324", "123456789012345678901234567890"}) {
    ExpectLikeStrtod(text);
  }
}

TEST(Number, DeclinesWhatIsNoNumber) {
  for (const char* text : {"", "-", "+-1", "1.2.3", "0x10", "1e", "nan", "1 ", "1,5", "--1"}) {
    EXPECT_FALSE(ParseDouble(text).has_value()) << text;
    EXPECT_FALSE(ParseInt64(text).has_value()) << text;
  }
  EXPECT_EQ(ParseInt64("9223372036854775807"), INT64_MAX);
  EXPECT_FALSE(ParseInt64("9223372036854775808").has_value());
  EXPECT_EQ(ParseDouble("1,5", ','), 1.5);
}

TEST(CivilTime, ReadsAndWritesIso) {
  EXPECT_EQ(ParseIsoTimestamp("1970-01-01"), 0);
  EXPECT_EQ(ParseIsoTimestamp("2000-03-01T00:00:00Z"), 951'868'800 * kMicrosPerSecond);
  EXPECT_EQ(ParseIsoTimestamp("2026-11-21 09:30+08:00"), ParseIsoTimestamp("2026-11-21 01:30"));
  for (const char* text :
       {"2026-02-29", "2026-13-01", "2026-1-1", "2026-01-01 ", "2026-01-01 24:00", "2026-01-01T10",
        "20260101", "2026-01-01 10:00:61", "2026-01-01x"}) {
    EXPECT_FALSE(ParseIsoTimestamp(text).has_value()) << text;
  }
  // Nanoseconds are not cut off silently: such a text is no time, and stays a text.
  EXPECT_EQ(ParseIsoTimestamp("1970-01-01 00:00:00.123456000"), 123'456);
  EXPECT_FALSE(ParseIsoTimestamp("1970-01-01 00:00:00.123456789").has_value());
  EXPECT_FALSE(ParseTimestamp("0.1234567 1970-01-01", "%S.%f %Y-%m-%d").has_value());
  const Philox random(3, "civil_time");
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto micros = static_cast<std::int64_t>(random.Below(200'000'000'000'000'000ULL, i)) -
                        60'000'000'000'000'000LL;
    EXPECT_EQ(ParseIsoTimestamp(FormatTimestamp(micros)), micros) << FormatTimestamp(micros);
  }
}

TEST(CivilTime, ReadsOtherFormats) {
  const auto expected = ParseIsoTimestamp("2010-12-01 08:26");
  EXPECT_EQ(ParseTimestamp("12/1/2010 8:26", "%m/%d/%Y %H:%M"), expected);
  EXPECT_EQ(ParseTimestamp("01-Dec-10 08:26 AM", "%d-%b-%y %I:%M %p"), expected);
  EXPECT_EQ(ParseTimestamp("1.12.2010", "%m/%d/%Y"), std::nullopt);
}

}  // namespace
}  // namespace dml::table
