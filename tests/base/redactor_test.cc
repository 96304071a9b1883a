// Goal: no cut of a stream and no overlap of secrets lets one through, and nothing else is lost.

#include "base/redactor.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

std::string InPieces(const Redactor& redactor, const std::string& text, std::size_t size) {
  std::string pending;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) {
    pending += text.substr(at, size);
    redactor.Stream(pending, /*last=*/false, out);
  }
  redactor.Stream(pending, /*last=*/true, out);
  EXPECT_EQ(pending, "");
  return out;
}

TEST(Redactor, BlotsOutEverySecretWhereverTheStreamIsCut) {
  const Redactor redactor({"aab", "aabaac", "token"});
  const std::string text = "aaab aabaac aabaa token toke xtokentoken aa";
  const std::string clean = "a*** *** ***aa *** toke x****** aa";
  EXPECT_EQ(redactor(text), clean);
  for (std::size_t size = 1; size < text.size(); ++size) {
    EXPECT_EQ(InPieces(redactor, text, size), clean) << size;
  }
}

TEST(Redactor, WithoutSecretsNothingChanges) {
  const Redactor redactor({"", " \n"});
  EXPECT_TRUE(redactor.idle());
  EXPECT_EQ(redactor("any text"), "any text");
}

TEST(Redactor, SecretsOfSeveralLinesAreBlottedOutLineByLine) {
  const Redactor redactor({"first line\nab\nlast line\n"});
  EXPECT_EQ(redactor("x first line\nab\nlast line y"), "x *** y");
  EXPECT_EQ(redactor("> last line\n> ab\n"), "> ***\n> ab\n");
}

TEST(Redactor, ReachesIntoValues) {
  Json value = {{"key-pw", {"pw", 1, {{"a", "xpwx"}}}}, {"n", 2.5}};
  Redactor({"pw"}).Redact(value);
  EXPECT_EQ(value, Json({{"key-***", {"***", 1, {{"a", "x***x"}}}}, {"n", 2.5}}));
}

}  // namespace
}  // namespace dml
