#include "cli/cluster/node_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace dml::cli {
namespace {

// What comes out if `said` arrives in pieces of so many bytes.
std::vector<std::string> LinesOf(const std::string& said, std::size_t piece, bool names = true) {
  std::vector<std::string> printed;
  NodeLines lines(names, [&](const std::string& line) { printed.push_back(line); });
  std::string text;
  for (std::size_t at = 0; at < said.size(); at += piece) {
    text += said.substr(at, piece);
    lines.Take("n1", text, /*rest=*/false);
  }
  lines.Take("n1", text, /*rest=*/true);
  EXPECT_EQ(text, "");
  return printed;
}

TEST(NodeLines, AreWholeHoweverTheyArrive) {
  const std::vector<std::string> expected{"n1: a\n", "n1: \n", "n1: b\\x1b[2J\\x00\n", "n1: c\n"};
  const std::string said("a\n\nb\x1b[2J\0\nc", 11);
  for (const std::size_t piece : {1U, 2U, 5U, 100U}) EXPECT_EQ(LinesOf(said, piece), expected);
  EXPECT_EQ(LinesOf("a\n", 1, /*names=*/false), std::vector<std::string>{"a\n"});
  EXPECT_TRUE(LinesOf("", 1).empty());
}

TEST(NodeLines, TakeWholeLinesOnlyUntilTheEnd) {
  std::string printed;
  NodeLines lines(true, [&](const std::string& line) { printed += line; });
  std::string text = "a\nb";
  lines.Take("n2", text, /*rest=*/false);
  EXPECT_EQ(printed, "n2: a\n");
  EXPECT_EQ(text, "b");
}

// A node that never ends its line takes no memory here.
TEST(NodeLines, WithoutAnEndComeOutInPieces) {
  const std::string said(3 * NodeLines::kLineBytesMax, 'x');
  const auto printed = LinesOf(said, 1000);
  ASSERT_GE(printed.size(), 2U);
  std::size_t bytes = 0;
  for (const std::string& line : printed) {
    bytes += static_cast<std::size_t>(std::ranges::count(line, 'x'));
    EXPECT_LT(line.size(), NodeLines::kLineBytesMax + 2000);
  }
  EXPECT_EQ(bytes, said.size());
}

}  // namespace
}  // namespace dml::cli
