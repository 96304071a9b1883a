#include <gtest/gtest.h>

#include "pipelines/expand/written_name.h"
#include "pipelines/yaml/parse.h"

namespace dml::pipelines {
namespace {

std::optional<Document> Parse(const std::string& text, Diagnostics& diagnostics) {
  return ParseYaml(MakeSource("t.yaml", "/w", text, 0), diagnostics);
}

Document MustParse(const std::string& text) {
  Diagnostics diagnostics;
  auto document = Parse(text, diagnostics);
  EXPECT_TRUE(document) << RenderText(diagnostics.TakeSorted());
  return document ? std::move(*document) : Document{};
}

TEST(YamlParse, EveryNodeKnowsItsPlace) {
  const Document document = MustParse("a: 1\nb:\n  - x\n  - {c: \"y\"}\nd:\n");
  const Node& root = document.root;
  EXPECT_EQ(root.Find("a")->place.ToLocation(), (Location{"t.yaml", 1, 4}));
  const Node& list = *root.Find("b");
  EXPECT_EQ(list.items[0].place.ToLocation(), (Location{"t.yaml", 3, 5}));
  const Node& inner = *list.items[1].Find("c");
  EXPECT_EQ(inner.place.ToLocation(), (Location{"t.yaml", 4, 9}));
  EXPECT_EQ(inner.place.width, 3);
  EXPECT_FALSE(inner.plain);
  EXPECT_TRUE(root.Find("d")->is_null());
  EXPECT_EQ(root.keys[2].place.ToLocation(), (Location{"t.yaml", 5, 1}));
}

TEST(WrittenName, IsFoundAmongTheParametersOfItsStep) {
  const std::string text =
      "steps:\n  - {id: a, uses: x, with: {columns: [k], types: {n: int64}, on: '${params.k}'}}\n"
      "  - {id: b, uses: x, input: k}\n";
  const auto find = [&](const char* id, Location where, const char* message) {
    return FindWrittenName(text, id, where, message);
  };
  const Location a{"p.yaml", 2, 5};
  EXPECT_EQ(find("a", a, "there is no column 'k'"), (Location{"p.yaml", 2, 39}));
  EXPECT_EQ(find("a", a, "types names a column 'n' that"), (Location{"p.yaml", 2, 51}));
  EXPECT_EQ(find("a", a, "the value 'k' of the column 'z'"), std::nullopt) << "not written";
  EXPECT_EQ(find("a", a, "the value 'k'"), std::nullopt) << "no column";
  EXPECT_EQ(find("a", a, "the column 'k"), std::nullopt);
  EXPECT_EQ(find("b", a, "there is no column 'k'"), std::nullopt) << "of another file";
  EXPECT_EQ(find("b", {"p.yaml", 3, 5}, "there is no column 'k'"), std::nullopt) << "no with:";
}

TEST(YamlParse, ColumnsCountCodePoints) {
  const Document document = MustParse("\"\xC3\xA4\xE6\xBC\xA2\": {x: [1, 2]}\n");
  EXPECT_EQ(document.root.items[0].Find("x")->items[1].place.column, 15);
}

TEST(YamlParse, AliasesAreCopied) {
  const Document document = MustParse("a: &x [1, 2]\nb: *x\n");
  EXPECT_EQ(document.root.Find("b")->items.size(), 2U);
}

TEST(YamlParse, NothingIsANullRoot) {
  EXPECT_TRUE(MustParse("").root.is_null());
  EXPECT_TRUE(MustParse("# only words\n").root.is_null());
  EXPECT_TRUE(MustParse("---\n").root.is_null());
}

void ExpectRefused(const std::string& text, const std::string& why) {
  Diagnostics diagnostics;
  EXPECT_FALSE(Parse(text, diagnostics));
  const auto found = diagnostics.TakeSorted();
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found[0].message.find(why), std::string::npos) << found[0].message;
}

TEST(YamlParse, LimitsHold) {
  ExpectRefused(std::string(10'000'000, 'x'), "a pipeline may have at most 8 MiB");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "- ";
  ExpectRefused(deep, "64 levels of nesting");
  ExpectRefused(std::string(1000, '[') + std::string(1000, ']'), "");
  std::string nested = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i) {
    const std::string now = std::to_string(i);
    nested += "a" + now + ": &a" + now + " [*a" + std::to_string(i - 1) + "]\n";
  }
  ExpectRefused(nested, "64 levels of nesting");
  ExpectRefused("a: &a [*a]\n", "");
  std::string wide = "a: &a \"" + std::string(1'000'000, 'x') + "\"\nb: [*a";
  for (int i = 0; i < 1000; ++i) wide += ", *a";
  ExpectRefused(wide + "]\n", "aliases expand");
}

TEST(YamlParse, UnusualTextIsRefusedWithItsPlace) {
  ExpectRefused("a: \xC0\x80\n", "byte 0xC0 at offset 3 is not UTF-8");
  Diagnostics diagnostics;
  EXPECT_FALSE(Parse("a: b\n\xC3\xA9: \xC0\x80\n", diagnostics));
  const Location where = diagnostics.TakeSorted().at(0).where;
  EXPECT_EQ(where.line, 2);
  EXPECT_EQ(where.column, 4);
  ExpectRefused("a: \xED\xA0\x80\n", "not UTF-8");
  ExpectRefused(std::string("a: \0\n", 5), "control character 0x00");
}

}  // namespace
}  // namespace dml::pipelines
