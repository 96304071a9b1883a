#include "cli/display/output.h"

#include <gtest/gtest.h>

#include "cli/exit_code.h"

namespace dml::cli {
namespace {

TEST(Harmless, ShowsControlCharactersInsteadOfSendingThem) {
  EXPECT_EQ(Harmless("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(Harmless("\x1b[2J\x07"), "\\x1b[2J\\x07");
  EXPECT_EQ(Harmless("\x7f"), "\\x7f");
  EXPECT_EQ(Harmless("a\xC2\x9B"
                     "2Jb\xC2\xA0"),
            "a\\u009b2Jb\xC2\xA0")
      << "as one character";
  EXPECT_EQ(Harmless("\xC2"), "\xC2");
  EXPECT_EQ(Harmless("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
}

TEST(ShellWord, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(ShellWord("model@C=0.1"), "model@C=0.1");
  EXPECT_EQ(ShellWord("m@x=a b"), "'m@x=a b'");
  EXPECT_EQ(ShellWord("it's[0]"), "'it'\\''s[0]'");
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(Styled, IsPlainWhenColourIsOff) {
  EXPECT_EQ(Styled(false, Style::kBad, "x"), "x");
  EXPECT_EQ(Styled(true, Style::kBad, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Styled(true, Style::kPlain, "x"), "x");
}

TEST(RefuseFormatAsFile, KnowsFormatsFromFiles) {
  const auto refused = RefuseFormatAsFile("predict", "json");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(refused.error().hint.find("-o ./json"), std::string::npos);
  EXPECT_FALSE(RefuseFormatAsFile("report", "table").ok());
  for (const char* file : {"", "-", "./json", "out.json", "tables"}) {
    EXPECT_TRUE(RefuseFormatAsFile("predict", file).ok()) << file;
  }
}

TEST(ExitCodes, FollowTheKindOfAnError) {
  EXPECT_EQ(ExitCodeOf(Error::Invalid("x")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(Error::Task("x")), ExitCode::kTaskFailed);
  EXPECT_EQ(ExitCodeOf(Error::Environment("x")), ExitCode::kInfrastructure);
  EXPECT_EQ(ExitCodeOf(Error::Cancelled("x")), ExitCode::kInterrupted);
  EXPECT_EQ(static_cast<int>(ExitCode::kTerminated), 143);
}

}  // namespace
}  // namespace dml::cli
