#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace dml {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Error::Invalid("odd", "double it");
  return n / 2;
}

Result<int> Quarter(int n) {
  DML_TRY(const int half, Half(n));
  return Half(half);
}

Result<void> CheckEven(int n) {
  DML_RETURN_IF_ERROR(Half(n).ok() ? Result<void>() : Result<void>(Error::Task("not even")));
  return {};
}

TEST(Result, TryPassesValuesAndErrorsOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_EQ(Quarter(7).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(CheckEven(2).ok());
  EXPECT_EQ(CheckEven(3).error().kind, ErrorKind::kTask);
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 5);
}

TEST(Error, KeepsTheMorePrecisePlace) {
  const Error error = Error::Invalid("bad").At("row 3").At("data.csv");
  EXPECT_EQ(error.Render(), "row 3: bad");
}

TEST(Error, RendersContextAndHint) {
  const Error error = Error::Invalid("no such file", "check the path").Within("cannot load 'x'");
  EXPECT_EQ(error.Render(), "cannot load 'x': no such file\n  hint: check the path");
  EXPECT_EQ(Error::System("cannot open 'x'", ENOENT).message,
            "cannot open 'x': No such file or directory");
}

TEST(ResultDeathTest, TheWrongSideIsABug) {
  EXPECT_DEATH((void)Half(3).value(), "bug at");
  EXPECT_DEATH((void)Half(2).error(), "bug at");
}

}  // namespace
}  // namespace dml
