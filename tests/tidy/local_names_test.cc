// The reader of local names sees what files that are compiled as one would both declare.

#include "tests/tidy/local_names.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/tidy/targets.h"

namespace dml::tidy {
namespace {

// Each as "name", "name(types)" or "name = meaning"; types with their keyword.
std::vector<std::string> Shown(const std::vector<DeclaredName>& declared) {
  std::vector<std::string> names;
  for (const DeclaredName& found : declared) {
    std::string shown = found.name;
    if (found.kind == DeclaredName::Kind::kFunction) shown += "(" + found.meaning + ")";
    if (found.kind == DeclaredName::Kind::kAlias) shown += " = " + found.meaning;
    if (found.kind == DeclaredName::Kind::kType) shown = "type " + shown;
    names.push_back(shown);
  }
  return names;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> NamesIn(const std::string& text) {
  return Shown(LocalNamesOf(LinesOf(text)));
}

using Names = std::vector<std::string>;

TEST(LocalNames, StandInNamespacesWithoutAName) {
  EXPECT_EQ(NamesIn("namespace a::b {\nnamespace {\nint F() { return 1; }\n}\nint G() {}\n}\n"),
            Names{"a::b::F()"});
  EXPECT_EQ(NamesIn("namespace {\nconst int kA = 1;\n}\nint b;\nnamespace {\nint c;\n}\n"),
            (Names{"kA", "c"}));
  EXPECT_EQ(NamesIn("int F() { return 1; }\n"), Names());
}

TEST(LocalNames, OfFunctionsHaveTheTypesOfTheirParameters) {
  EXPECT_EQ(
      NamesIn("namespace {\nstd::vector<int> F(const std::map<int, int>& a, int b = G(1, 2),\n"
              "    const int c, std::size_t, const char* d) {\n  if (a) { b(); }\n}\n}\n"),
      Names{"F(const std::map<int, int>&, int, int, std::size_t, const char*)"});
  EXPECT_EQ(NamesIn("namespace {\ntemplate <class T, int k = 1>\n[[nodiscard]] T F(T a);\n}\n"),
            Names{"F(T)"});
}

TEST(LocalNames, OfTypesCountWhereTheyAreDefined) {
  EXPECT_EQ(NamesIn("namespace {\nstruct A;\nstruct B {\n  int F() { return 1; }\n};\n"
                    "enum class C : int { kX, kY };\nclass D final : public A<1> {\n};\n"
                    "template <class T>\nstruct E {};\nstruct stat F(int a) { return {}; }\n}\n"),
            (Names{"type B", "type C", "type D", "type E", "F(int)"}));
}

TEST(LocalNames, OfValuesMayBeFollowedByBracesOrBodies) {
  EXPECT_EQ(
      NamesIn("namespace {\nconstexpr std::array<int, 2> kA{{1, 2}};\nchar b[] = \"; } {\";\n"
              "const auto c = [](int d) { return d; };\nstd::string e;\nstatic int f = 1;\n}\n"),
      (Names{"kA", "b", "c", "e", "f"}));
}

TEST(LocalNames, AreOtherNamesForThings) {
  EXPECT_EQ(NamesIn("namespace a {\nnamespace fs = std::filesystem;\nusing b::C;\n"
                    "using enum b::D;\nusing namespace e;\nusing F = G<1>;\n}\n"),
            (Names{"a::fs = std::filesystem", "a::C = b::C", "a::F = G<1>"}));
}

TEST(LocalNames, AreNotMembersMacrosOrWords) {
  EXPECT_EQ(NamesIn("namespace {\n// int A() {\n/* int B() { */\n#define C int D() \\\n  {\n"
                    "E::E(int f) : g_{f}, h_(f) {\n}\nbool operator<(E a, E b) {\n}\n"
                    "template class O<int>;\n\nTEST(I, J) {\n}\nint K(char l = '{');\n"
                    "const char* m = R\"(int N() {)\";\n}\n"),
            (Names{"K(char)", "m"}));
}

TEST(LocalNames, HaveLines) {
  EXPECT_EQ(LocalNamesOf({"namespace {", "// Words.", "int", "    F();", "}"}).at(0).line, 4U);
}

TEST(LocalNames, AreNotThoseOfHeaders) {
  const auto lines = LinesOf(
      "namespace a {\nstruct B {\n  int C();\n};\nstruct D;\nusing E = B;\n"
      "[[nodiscard]] int F(const B& b);\ninline constexpr int kG = 1;\n"
      "inline int H(int i) { return i; }\n}\n");
  EXPECT_EQ(Shown(SharedNamesOf(lines)),
            (Names{"type a::B", "a::F(const B&)", "a::kG", "a::H(int)"}));
  EXPECT_EQ(Shown(LocalNamesOf(lines)), Names{"a::E = B"});
}

TEST(LocalNames, ClashUnlessTheyAreOverloadsOrAgree) {
  using enum DeclaredName::Kind;
  const DeclaredName function{"a::F", kFunction, "int", 1};
  const DeclaredName alias{"a::F", kAlias, "b::F", 1};
  const DeclaredName value{"a::F", kValue, "", 1};
  EXPECT_TRUE(Clash(function, function));
  EXPECT_FALSE(Clash(function, {"a::F", kFunction, "int, int", 1}));
  EXPECT_FALSE(Clash(function, {"b::F", kFunction, "int", 1}));
  EXPECT_FALSE(Clash(alias, alias));
  EXPECT_TRUE(Clash(alias, {"a::F", kAlias, "c::F", 1}));
  EXPECT_TRUE(Clash(value, value));
  EXPECT_TRUE(Clash(value, function));
}

TEST(Targets, AreReadWithoutSourcesThatAreCompiledAlone) {
  const std::vector<Target> targets = TargetsOf(
      "dml_module(\n  a\n  SOURCES\n  # Words (of one).\n  b.cc\n  c/d.cc\n  e.cc\n  ALONE e.cc\n"
      "  PRIVATE f::g)\nadd_executable(h i.cc)\ndml_test(j SOURCES k.cc LABELS unit)\n");
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].name, "a");
  EXPECT_EQ(targets[0].sources, (Names{"b.cc", "c/d.cc"}));
  EXPECT_EQ(targets[1].name, "j");
  EXPECT_EQ(targets[1].sources, (Names{"k.cc"}));
}

}  // namespace
}  // namespace dml::tidy
