// The size limits of the house: small files, short functions, narrow interfaces.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/tidy/functions.h"
#include "tests/tidy/source_tree.h"

namespace dml::tidy {
namespace {

constexpr std::size_t kFileLinesMax = 800;
constexpr std::size_t kFileLinesMedianMax = 200;
constexpr std::size_t kFunctionLinesMax = 70;
constexpr int kPureVirtualsMax = 6;

TEST(Sizes, FilesAreShort) {
  std::vector<std::size_t> sizes;
  for (const SourceFile& file : SourceTree()) {
    sizes.push_back(file.lines.size());
    EXPECT_LE(file.lines.size(), kFileLinesMax) << file.path;
  }
  ASSERT_FALSE(sizes.empty());
  std::ranges::sort(sizes);
  EXPECT_LE(sizes[sizes.size() / 2], kFileLinesMedianMax) << "the median file has grown";
}

TEST(Sizes, FunctionsFitOnAScreen) {
  std::size_t count = 0;
  for (const SourceFile& file : SourceTree()) {
    for (const Block& block : BlocksOf(file.lines)) {
      ++count;
      EXPECT_LE(block.lines, kFunctionLinesMax)
          << file.path << ":" << block.first_line << ": " << block.head;
    }
  }
  EXPECT_GT(count, 5000U) << "the scanner no longer recognises functions";
}

TEST(Sizes, InterfacesAreNarrow) {
  for (const SourceFile& file : SourceTree()) {
    std::string current;
    int pure = 0;
    for (const std::string& line : file.lines) {
      if (line.starts_with("class ") || line.starts_with("struct ")) {
        current = line;
        pure = 0;
      }
      if (line.find("virtual") != std::string::npos) pure += line.ends_with("= 0;") ? 1 : 0;
      if (line.starts_with("    ") && line.ends_with("= 0;")) ++pure;  // a wrapped declaration
      EXPECT_LE(pure, kPureVirtualsMax) << file.path << ": " << current;
    }
  }
}

}  // namespace
}  // namespace dml::tidy
