#include "runners/node/wire.h"

#include <gtest/gtest.h>

namespace dml::node {
namespace {

const runners::AttemptKey kKey{RunId{7}, TaskId(3), AttemptNumber{2}};

TEST(Wire, MessagesComeBackAsTheyWere) {
  Finished finished;
  finished.exited.key = kKey;
  finished.exited.reason = runners::ExitSuccess{};
  finished.outputs = {{"model/m.safetensors", "", 12, Sha256::Of("x")}};
  finished.log_bytes = 5;
  const auto back = DecodeFinished(Encode(finished));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->exited.key, kKey);
  EXPECT_EQ(back->outputs[0].name, "model/m.safetensors");
  EXPECT_EQ(back->outputs[0].digest, Sha256::Of("x"));
  EXPECT_EQ(back->log_bytes, 5);

  const std::string payload = Encode(LogPiece{kKey, 1'000'000'000'000, "bytes"});
  const auto log = DecodeLog(payload);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->key, kKey);
  EXPECT_EQ(log->offset, 1'000'000'000'000);
  EXPECT_EQ(log->bytes, "bytes");

  const Lost lost{kKey, Error::Environment("gone", "wait"), {Sha256::Of("y")}};
  const auto lost_back = DecodeLost(Encode(lost));
  ASSERT_TRUE(lost_back.ok());
  EXPECT_EQ(lost_back->error, lost.error);
  EXPECT_EQ(lost_back->absent, lost.absent);
}

TEST(Wire, PathsThatLeaveTheirFolderAreRefused) {
  for (const char* name : {"../x", "/etc/passwd", "a/../../x", "a//b", "", "a/.", "./a"}) {
    Finished finished;
    finished.exited.key = kKey;
    finished.outputs = {{name, "", 1, Sha256::Of("x")}};
    EXPECT_FALSE(DecodeFinished(Encode(finished)).ok()) << name;
  }
}

TEST(Wire, ClientsHavePlainNames) {
  EXPECT_TRUE(DecodeAttach(Encode(Attach{1, "0a-f"})).ok());
  for (const char* name : {"", "a/b", "..", "A", "a.b"}) {
    EXPECT_FALSE(DecodeAttach(Encode(Attach{1, name})).ok()) << name;
  }
}

TEST(Wire, ShortOrHostileBytesAreErrors) {
  EXPECT_FALSE(DecodeChunk("short").ok());
  EXPECT_FALSE(DecodeChunk(std::string(41 + kChunkBytesMax + 1, 'x')).ok());
  EXPECT_FALSE(DecodeLog("").ok());
  EXPECT_FALSE(DecodeBlobRange(R"(["zz",1,0])").ok());
  EXPECT_FALSE(DecodeBlobRange(Encode(BlobRange{Sha256::Of("x"), 5, 6})).ok());
  EXPECT_FALSE(DecodeDigests("{}{").ok());
  EXPECT_FALSE(DecodeKeys(R"([1])").ok());
}

}  // namespace
}  // namespace dml::node
