#include "runners/node/wire.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "runners/api/packing.h"

namespace dml::node {
namespace {

const runners::AttemptKey kKey{RunId{7}, TaskId(3), AttemptNumber{2}};

TEST(Wire, MessagesComeBackAsTheyWere) {
  Finished finished;
  finished.exited.key = kKey;
  finished.exited.reason = runners::ExitSuccess{};
  finished.outputs = {{"model/m.safetensors", "", 12, Sha256::Of("x")}};
  finished.outputs.push_back({"o/folder/tool", "", 3, Sha256::Of("y"), /*executable=*/true});
  finished.log_bytes = 5;
  const auto back = DecodeFinished(Encode(finished));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->exited.key, kKey);
  EXPECT_EQ(back->outputs[0].name, "model/m.safetensors");
  EXPECT_EQ(back->outputs[0].digest, Sha256::Of("x"));
  EXPECT_FALSE(back->outputs[0].executable);
  EXPECT_TRUE(back->outputs[1].executable);
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

TEST(Wire, FilesOfANodeComeBackAsTheyWere) {
  const auto look = DecodeLook(Encode(Look{7, "data/*.csv"}));
  ASSERT_TRUE(look.ok());
  EXPECT_EQ(look->id, 7U);
  EXPECT_EQ(look->pattern, "data/*.csv");
  Looked looked;
  looked.id = 7;
  looked.files = {{"data/a.csv", "/home/u/data/a.csv", {1, 2, 3, 4, 5}, Sha256::Of("a")}};
  const auto back = DecodeLooked(Encode(looked));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->id, 7U);
  ASSERT_EQ(back->files.size(), 1U);
  EXPECT_EQ(back->files[0].name, "data/a.csv");
  EXPECT_EQ(back->files[0].path, "/home/u/data/a.csv");
  EXPECT_EQ(back->files[0].stamp, looked.files[0].stamp);
  EXPECT_EQ(back->files[0].digest, Sha256::Of("a"));
  const auto error = DecodeLooked(Encode(Looked{8, Error::Invalid("there is none", "h"), {}}));
  ASSERT_TRUE(error.ok());
  EXPECT_EQ(error->error, Error::Invalid("there is none", "h"));

  runners::LaunchSpec spec;
  spec.key = kKey;
  spec.work = std::vector<runners::NativeStep>{{"load.csv", {{"path", "a.csv"}}}};
  spec.files = {{"a.csv", {{"a.csv", "/h/a.csv", 3, Sha256::Of("a")}}, {}}};
  spec.files[0].in_place = runners::InPlace{"n2", 0, "/path", {{1, 2, 3, 4, 5}}};
  const auto launch = runners::DecodeLaunch(runners::EncodeLaunch(spec));
  ASSERT_TRUE(launch.ok());
  const auto& place = launch->files.at(0).in_place;
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->node, "n2");
  EXPECT_EQ(place->param, "/path");
  EXPECT_EQ(place->stamps, spec.files[0].in_place->stamps);
}

TEST(Wire, FilesOfANodeThatNobodyHasAreRefused) {
  for (const std::string& pattern :
       {std::string(), std::string("a\0b", 3), std::string(kPatternBytesMax + 1, 'x')}) {
    EXPECT_FALSE(DecodeLook(Encode(Look{1, pattern})).ok()) << pattern;
  }
  EXPECT_FALSE(DecodeLooked(Encode(Looked{})).ok()) << "neither files nor an error";
  for (const char* path : {"", "x", "/a/../b", "/a//b", "//a", "/a/./b", "/"}) {
    Looked looked;
    looked.files = {{"x", path, {}, {}}};
    EXPECT_FALSE(DecodeLooked(Encode(looked)).ok()) << path;
  }
  Looked both;
  both.error = Error::Invalid("no");
  both.files = {{"x", "/x", {}, {}}};
  EXPECT_FALSE(DecodeLooked(Encode(both)).ok());
  both.error = {};
  both.files[0].stamp.size = -1;
  EXPECT_FALSE(DecodeLooked(Encode(both)).ok());
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
  EXPECT_FALSE(DecodeChunk(std::string(45 + kChunkBytesMax + 1, 'x')).ok());
  EXPECT_FALSE(DecodeLog("").ok());
  EXPECT_FALSE(DecodeBlobRange(R"(["zz",1,0])").ok());
  EXPECT_FALSE(DecodeBlobRange(Encode(BlobRange{Sha256::Of("x"), 5, 6})).ok());
  EXPECT_FALSE(DecodeDigests("{}{").ok());
  EXPECT_FALSE(DecodeKeys(R"([1])").ok());
}

TEST(Wire, SizesThatNoFileHasAreRefused) {
  for (const std::int64_t size :
       {std::int64_t{-1}, kFileBytesMax + 1, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_FALSE(DecodeBlobRange(Encode(BlobRange{Sha256::Of("x"), size, 0})).ok()) << size;
    EXPECT_FALSE(DecodeAdopt(Encode(Adopt{kKey, size})).ok()) << size;
    Finished ended;
    ended.exited.key = kKey;
    ended.exited.reason = runners::ExitSuccess{};
    ended.outputs = {{"o/x", "", size, Sha256::Of("x")}};
    EXPECT_FALSE(DecodeFinished(Encode(ended)).ok()) << size;
    Looked looked;
    looked.files = {{"x", "/x", {.size = size}, Sha256::Of("x")}};
    EXPECT_FALSE(DecodeLooked(Encode(looked)).ok()) << size;
  }
  EXPECT_TRUE(DecodeBlobRange(Encode(BlobRange{Sha256::Of("x"), kFileBytesMax, 0})).ok());
}

// An attempt's end with metrics of that text.
std::string ExitedWith(const std::string& metrics) {
  runners::AttemptExited exited;
  exited.key = kKey;
  exited.reason = runners::ExitSuccess{};
  exited.metrics = {{"m", 1}};
  std::string bytes = runners::EncodeExited(exited);
  const std::string before = R"({"m":1})";
  const std::size_t at = bytes.find(before);
  bytes.replace(at, before.size(), metrics);
  for (int i = 0; i < 4; ++i) {
    bytes[at - 4 + static_cast<std::size_t>(i)] = static_cast<char>(metrics.size() >> (8 * i));
  }
  return bytes;
}

std::string Nested(int depth) {
  const auto count = static_cast<std::size_t>(depth - 1);
  return R"({"m":)" + std::string(count, '[') + std::string(count, ']') + "}";
}

TEST(Wire, MetricsAreObjectsOfABoundedDepthAndSize) {
  EXPECT_TRUE(runners::DecodeExited(ExitedWith(R"({"a":[1,"]\\\"[",{}]})")).ok());
  EXPECT_TRUE(runners::DecodeExited(ExitedWith(Nested(runners::kJsonDepthMax))).ok());
  EXPECT_FALSE(runners::DecodeExited(ExitedWith(Nested(runners::kJsonDepthMax + 1))).ok());
  EXPECT_FALSE(runners::DecodeExited(ExitedWith(std::string(20'000'000, '['))).ok());
  for (const char* metrics : {"[1]", "1", "null", "{", R"({"a":"\xff"})"}) {
    EXPECT_FALSE(runners::DecodeExited(ExitedWith(metrics)).ok()) << metrics;
  }
  std::string wide = R"({"m":[1)";
  for (int i = 0; i < 5'000'000; ++i) wide += ",1";
  EXPECT_FALSE(runners::DecodeExited(ExitedWith(wide + "]}")).ok());
}

// A frame of ten million empty warnings would be half a gigabyte here.
TEST(Wire, FewBytesDoNotBecomeMuchMemory) {
  runners::AttemptExited exited;
  exited.key = kKey;
  exited.reason = runners::ExitSuccess{};
  exited.warnings.resize(10'000'000);
  const std::string bytes = runners::EncodeExited(exited);
  EXPECT_LT(bytes.size(), runners::kFramePayloadMax);
  EXPECT_FALSE(runners::DecodeExited(bytes).ok());
}

TEST(Wire, SharesOfProgressAreShares) {
  for (const double fraction : {0.0, 0.5, 1.0}) {
    EXPECT_TRUE(runners::DecodeProgress(runners::EncodeProgress({kKey, fraction, ""})).ok());
  }
  for (const double fraction : {-0.1, 1.1, 1e308, std::nan("")}) {
    EXPECT_FALSE(runners::DecodeProgress(runners::EncodeProgress({kKey, fraction, ""})).ok());
  }
}

TEST(Wire, NodesAreMachines) {
  Attached attached;
  EXPECT_TRUE(DecodeAttached(Encode(attached)).ok());
  attached.cpus = 1e300;
  EXPECT_FALSE(DecodeAttached(Encode(attached)).ok());
  attached.cpus = 1;
  attached.memory_bytes = -1;
  EXPECT_FALSE(DecodeAttached(Encode(attached)).ok());
}

}  // namespace
}  // namespace dml::node
