#include "runners/api/packing.h"

#include <gtest/gtest.h>

#include <limits>

namespace dml::runners {

enum class Colour : std::uint8_t { kRed, kGreen };
constexpr Colour LastOf(Colour) { return Colour::kGreen; }

struct Everything {
  bool yes = false;
  std::int64_t number = 0;
  std::uint32_t count = 0;
  double ratio = 0;
  Colour colour = Colour::kRed;
  std::string text;
  Json tree = Json::object();
  Digest digest;
  std::vector<std::string> list;
  std::map<std::string, int> map;
  std::optional<std::string> maybe;
  std::variant<int, std::string> either;
};
void Fields(auto& io, Is<Everything> auto& all) {
  io(all.yes, all.number, all.count, all.ratio, all.colour, all.text, all.tree, all.digest,
     all.list, all.map, all.maybe, all.either);
}

namespace {

Everything Sample() {
  Everything all;
  all.yes = true;
  all.number = std::numeric_limits<std::int64_t>::min() + 1;
  all.count = 0xfedcba98;
  all.ratio = -0.1;
  all.colour = Colour::kGreen;
  all.text = std::string("a\0\xff", 3);
  all.tree = {{"cv", {{"roc_auc", 0.5}}}};
  all.digest = Sha256::Of("x");
  all.list = {"", "b"};
  all.map = {{"k", -1}, {"l", 2}};
  all.maybe = "m";
  all.either = std::string("e");
  return all;
}

TEST(Packing, EveryKindOfFieldComesBack) {
  const Everything all = Sample();
  const auto back = Unpack<Everything>(Pack(all));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(Pack(*back), Pack(all));
  EXPECT_EQ(back->number, all.number);
  EXPECT_EQ(back->count, all.count);
  EXPECT_EQ(back->ratio, all.ratio);
  EXPECT_EQ(back->colour, all.colour);
  EXPECT_EQ(back->text, all.text);
  EXPECT_EQ(back->tree, all.tree);
  EXPECT_EQ(back->digest, all.digest);
  EXPECT_EQ(back->list, all.list);
  EXPECT_EQ(back->map, all.map);
  EXPECT_EQ(back->maybe, all.maybe);
  EXPECT_EQ(back->either, all.either);
}

TEST(Packing, LayoutIsLittleEndianAndFlat) {
  EXPECT_EQ(Pack(std::uint32_t{0x01020304}), std::string("\x04\x03\x02\x01", 4));
  EXPECT_EQ(Pack(std::string("ab")), std::string("\x02\0\0\0ab", 6));
  EXPECT_EQ(Pack(Json::object()), std::string("\0\0\0\0", 4)) << "most objects are empty";
}

TEST(Packing, APartIsAnErrorAndSoIsMore) {
  const std::string whole = Pack(Sample());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Unpack<Everything>(whole.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(Unpack<Everything>(whole + "x").ok());
}

TEST(Packing, ClaimsThatCannotBeTrueAreRefused) {
  const std::string four_billion = "\xff\xff\xff\xff";
  EXPECT_FALSE(Unpack<std::string>(four_billion + "abc").ok());
  EXPECT_FALSE(Unpack<std::vector<std::string>>(four_billion + "abc").ok());
  EXPECT_FALSE((Unpack<std::map<std::string, int>>(four_billion + "abc").ok()));
  EXPECT_FALSE(Unpack<Colour>("\x02").ok());
  EXPECT_FALSE(Unpack<bool>("\x02").ok());
  EXPECT_FALSE((Unpack<std::variant<int, std::string>>("\x02").ok()));
  EXPECT_FALSE(Unpack<Json>(Pack(std::string("{\"a\":"))).ok());
}

}  // namespace
}  // namespace dml::runners
