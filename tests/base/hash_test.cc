#include "base/hash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace dml {
namespace {

TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(Sha256::Of("").Hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256::Of("abc").Hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheSameAsTheWhole) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("");
  hash.Update("bc");
  EXPECT_EQ(hash.Finish(), Sha256::Of("abc"));
}

TEST(Digest, HexRoundTrips) {
  const Digest digest = Sha256::Of("x");
  EXPECT_EQ(*Digest::FromHex(digest.Hex()), digest);
  EXPECT_EQ(digest.Short(), digest.Hex().substr(0, 12));
  EXPECT_FALSE(Digest::FromHex("abc").ok());
  EXPECT_FALSE(Digest::FromHex(std::string(64, 'G')).ok());
}

TEST(Fingerprint, FieldsDoNotRunTogether) {
  EXPECT_NE(Fingerprint().Add("a", "bc").Finish(), Fingerprint().Add("ab", "c").Finish());
  EXPECT_NE(Fingerprint().Add("a", "").Add("b", "").Finish(), Fingerprint().Add("a", "b").Finish());
  EXPECT_EQ(Fingerprint().Add("a", "b").Finish(), Fingerprint().Add("a", "b").Finish());
}

TEST(HashFile, ReadsTheWholeFile) {
  const std::string path = testing::TempDir() + "/hash_test_file";
  const std::string content(3'000'000, 'q');
  std::ofstream(path) << content;
  EXPECT_EQ(*HashFile(path), Sha256::Of(content));
  std::filesystem::remove(path);
  const auto missing = HashFile(path);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kEnvironment);
}

TEST(HashFile, StopsWhenAsked) {
  const std::string path = testing::TempDir() + "/hash_test_stop";
  std::ofstream(path) << "content";
  std::stop_source stop;
  EXPECT_TRUE(HashFile(path, stop.get_token()).ok());
  stop.request_stop();
  const auto stopped = HashFile(path, stop.get_token());
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
  std::filesystem::remove(path);
}

TEST(HashFile, RefusesWhatHasNoEnd) {
  const auto endless = HashFile("/dev/zero");
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace dml
