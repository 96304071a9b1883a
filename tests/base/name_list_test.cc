#include "base/name_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dml {
namespace {

std::vector<std::string> Numbered(int count) {
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) names.push_back(std::to_string(i));
  return names;
}

TEST(NameList, IsWholeWhileItIsShort) {
  EXPECT_EQ(NameList({}), "");
  EXPECT_EQ(NameList({"a"}), "a");
  EXPECT_EQ(NameList(Numbered(13)), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13");
}

TEST(NameList, LeavesOutTheMiddleOfManyNames) {
  EXPECT_EQ(NameList(Numbered(14)), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2 more, 13, 14");
}

}  // namespace
}  // namespace dml
