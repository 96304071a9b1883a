// The measure of functions sees all of them.

#include "tests/tidy/functions.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace dml::tidy {
namespace {

std::vector<std::pair<std::string, std::size_t>> Measured(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::vector<std::pair<std::string, std::size_t>> found;
  for (const Block& block : BlocksOf(lines)) found.emplace_back(block.head, block.lines);
  return found;
}

using Expected = std::vector<std::pair<std::string, std::size_t>>;

TEST(Functions, AreMeasuredFromHeadToBrace) {
  EXPECT_EQ(Measured("int A() {\n  return 1;\n}\n\nvoid B() {\n}\n"),
            (Expected{{"int A() {", 3}, {"void B() {", 2}}));
}

TEST(Functions, MayHaveWrappedHeads) {
  EXPECT_EQ(Measured("// Words.\nint A(int b,\n      int c) {\n  return b;\n}\n"),
            (Expected{{"int A(int b,", 4}}));
  EXPECT_EQ(Measured("int x;\nA::A(int b)\n    : b_(b),\n      c_(b) {\n  Use();\n}\n"),
            (Expected{{"A::A(int b)", 5}}));
}

TEST(Functions, MayHaveHeadsWithStatementsInThem) {
  EXPECT_EQ(Measured("  for (int a = 0; a < 1;\n       ++a) {\n    Use();\n  }\n"),
            (Expected{{"for (int a = 0; a < 1;", 4}}));
  EXPECT_EQ(Measured("  if (a &&  // Words.\n      b) {\n    Use();\n  }\n"),
            (Expected{{"if (a &&  // Words.", 4}}));
}

TEST(Functions, MayHaveNoNames) {
  EXPECT_EQ(Measured("  return Schema()\n      .Check([](int a) {\n        Use();\n      });\n"),
            (Expected{{".Check([](int a) {", 3}}));
}

TEST(Functions, MayStandInsideClasses) {
  EXPECT_EQ(Measured("class A : public B {\n public:\n  int C() const {\n    return 1;\n  }\n};\n"),
            (Expected{{"int C() const {", 3}}));
}

TEST(Functions, OfTemplatesAreNoTypes) {
  EXPECT_EQ(Measured("template <class T>\nvoid A() {\n}\ntemplate <class T>\nstruct B {\n};\n"),
            (Expected{{"void A() {", 3}}));
}

TEST(Functions, AreNotListsOfValues) {
  EXPECT_EQ(Measured("const std::vector<int> a = {\n    1,\n};\nconst B b{\n    2,\n};\n"),
            Expected());
}

}  // namespace
}  // namespace dml::tidy
