#include "base/counted.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(Counted, OneIsNotMany) {
  EXPECT_EQ(Counted(0, "file"), "0 files");
  EXPECT_EQ(Counted(1, "file"), "1 file");
  EXPECT_EQ(Counted(2, "file"), "2 files");
}

}  // namespace
}  // namespace dml
