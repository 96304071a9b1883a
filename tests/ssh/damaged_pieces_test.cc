// Pieces of blobs that arrive damaged: that is known at once, and they are sent again from there.
// Both ends of a connection, and something between them that changes bytes.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "base/files.h"
#include "runners/node/checksum.h"
#include "runners/node/session.h"
#include "runners/ssh/node_port.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;
using runners::FrameType;

constexpr std::size_t kPieces = 12;
constexpr std::size_t kBytes = (kPieces - 1) * node::kChunkBytesMax + 1000;
// Where the bytes of a piece begin in its payload.
constexpr std::size_t kHeadBytes = 45;

std::string Noise() {
  std::string noise;
  for (int i = 0; noise.size() < kBytes; ++i) {
    const Digest digest = Sha256::Of(std::to_string(i));
    noise.append(digest.bytes.begin(), digest.bytes.end());
  }
  noise.resize(kBytes);
  return noise;
}

// What travels packed.
std::string Text() {
  std::string text;
  while (text.size() < kBytes) text += std::to_string(text.size() % 977) + ",red\n";
  text.resize(kBytes);
  return text;
}

// One direction of a connection; `spoil` sees every piece that goes by, counted from 0.
struct Way {
  int from = -1;
  int to = -1;
  std::function<void(std::string& payload, std::size_t piece)> spoil = nullptr;
  runners::FrameDecoder decoder = {};
  std::string waiting = {};
  std::vector<std::int64_t> offsets = {};  // of the pieces so far

  void Carry() {
    std::string block(1U << 18, '\0');
    const ssize_t got = ::recv(from, block.data(), block.size(), MSG_DONTWAIT);
    if (got > 0) decoder.Feed(std::string_view(block).substr(0, static_cast<std::size_t>(got)));
    for (auto frame = decoder.Next(); frame.ok() && *frame; frame = decoder.Next()) {
      std::string payload = (*frame)->payload;
      if ((*frame)->type == FrameType::kChunk) {
        offsets.push_back(node::DecodeChunk(payload).value().offset);
        if (spoil) spoil(payload, offsets.size() - 1);
      }
      runners::AppendFrame((*frame)->type, payload, waiting);
    }
    const ssize_t sent = ::send(to, waiting.data(), waiting.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) waiting.erase(0, static_cast<std::size_t>(sent));
  }
};

class DamagedPiecesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "dml-damage-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ + "/node");
    auto blobs = node::BlobCache::Open(folder_ + "/node");
    ASSERT_TRUE(blobs.ok()) << blobs.error().message;
    blobs_ = std::move(blobs).value();
    int head[2];
    int there[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, head), 0);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, there), 0);
    port_.Open(head[0], Instant{});
    port_.ResumeTransfers();
    session_ = std::make_unique<node::Session>(there[0], *blobs_, Instant{});
    up_ = {head[1], there[1]};
    down_ = {there[1], head[1]};
  }
  void TearDown() override {
    ::close(up_.from);
    ::close(up_.to);
    session_.reset();
    fs::remove_all(folder_);
  }

  void Turn() {
    port_.Flush();
    up_.Carry();
    EXPECT_TRUE(session_->Receive(Instant{}).empty());
    session_->Flush();
    down_.Carry();
    EXPECT_TRUE(port_.Receive(Instant{}).empty());
  }

  // Until it has ended or the connection is given up: then nothing.
  std::optional<Result<void>> Upload(const std::string& content) {
    std::ofstream(folder_ + "/input", std::ios::binary) << content;
    port_.uploads.Want(Sha256::Of(content), folder_ + "/input");
    while (!session_->broken()) {
      Turn();
      if (auto done = port_.uploads.Take(); !done.empty()) return done.front().result;
    }
    return std::nullopt;
  }
  std::optional<Result<void>> Download(const std::string& content, const std::string& target) {
    port_.Fetch(Sha256::Of(content), static_cast<std::int64_t>(content.size()), target + ".part",
                target);
    while (!port_.broken()) {
      Turn();
      if (auto done = port_.downloads.Take(); !done.empty()) return done.front().result;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string There(const std::string& content) const {
    const auto text = ReadFile(blobs_->PathOf(Sha256::Of(content)));
    return text.ok() ? *text : "";
  }
  [[nodiscard]] std::string Here(const std::string& name) const {
    const auto text = ReadFile(folder_ + "/" + name);
    return text.ok() ? *text : "";
  }

  // The pieces went by in order, but once from `back` on again.
  static void ExpectOnceAgainFrom(std::int64_t back, const std::vector<std::int64_t>& offsets) {
    std::vector<std::int64_t> returns;
    for (std::size_t i = 1; i < offsets.size(); ++i) {
      if (offsets[i] <= offsets[i - 1]) returns.push_back(offsets[i]);
    }
    EXPECT_EQ(returns, std::vector<std::int64_t>{back});
  }

  std::string folder_;
  std::optional<node::BlobCache> blobs_;
  NodePort port_;
  std::unique_ptr<node::Session> session_;
  Way up_;
  Way down_;
};

// The byte at `at` of the payload of that piece, once.
auto Flip(std::size_t piece, std::size_t at) {
  return [=](std::string& payload, std::size_t i) {
    if (i == piece) payload.at(at) = static_cast<char>(payload.at(at) ^ 4);
  };
}

constexpr std::int64_t OffsetOf(std::size_t piece) {
  return static_cast<std::int64_t>(piece * node::kChunkBytesMax);
}

TEST_F(DamagedPiecesTest, OnTheWayUpAreSentAgainFromThere) {
  for (const std::string& content : {Noise(), Text()}) {
    for (const std::size_t piece : {std::size_t{0}, std::size_t{5}, kPieces - 1}) {
      // A byte of its content; of its offset.
      for (const std::size_t at : {kHeadBytes + 50, std::size_t{33}}) {
        up_.spoil = Flip(piece, at);
        up_.offsets.clear();
        const int before = port_.damaged();
        const auto done = Upload(content);
        ASSERT_TRUE(done.has_value()) << piece << " " << at;
        EXPECT_TRUE(done->ok()) << done->error().message;
        EXPECT_EQ(port_.damaged() - before, 1);
        EXPECT_TRUE(There(content) == content);
        ExpectOnceAgainFrom(OffsetOf(piece), up_.offsets);
        // It is wanted anew.
        fs::remove(blobs_->PathOf(Sha256::Of(content)));
        port_.uploads.Unlearn(Sha256::Of(content));
      }
    }
  }
}

TEST_F(DamagedPiecesTest, OnTheWayDownAreSentAgainFromThere) {
  for (const std::string& content : {Noise(), Text()}) {
    ASSERT_TRUE(Upload(content)->ok());
    for (const std::size_t piece : {std::size_t{0}, std::size_t{5}, kPieces - 1}) {
      for (const std::size_t at : {kHeadBytes + 50, std::size_t{33}}) {
        down_.spoil = Flip(piece, at);
        down_.offsets.clear();
        const int before = port_.damaged();
        const auto done = Download(content, folder_ + "/output");
        ASSERT_TRUE(done.has_value()) << piece << " " << at;
        EXPECT_TRUE(done->ok()) << done->error().message;
        EXPECT_EQ(port_.damaged() - before, 1);
        EXPECT_TRUE(Here("output") == content);
        ExpectOnceAgainFrom(OffsetOf(piece), down_.offsets);
      }
    }
  }
}

// Nobody can tell which blob it was a piece of: a new connection goes on with all of them.
TEST_F(DamagedPiecesTest, OfAnUnknownBlobEndTheConnection) {
  const std::string content = Noise();
  up_.spoil = Flip(kPieces - 1, 7);
  EXPECT_FALSE(Upload(content).has_value());
  session_.reset();
  EXPECT_EQ(blobs_->PartialBytes(Sha256::Of(content)), OffsetOf(kPieces - 1))
      << "this much is kept";
}

TEST_F(DamagedPiecesTest, OfAnUnknownBlobEndTheConnectionHereToo) {
  const std::string content = Noise();
  ASSERT_TRUE(Upload(content)->ok());
  down_.spoil = Flip(3, 7);
  EXPECT_FALSE(Download(content, folder_ + "/output").has_value());
  ASSERT_EQ(port_.downloads.Pending().size(), 1U);
  EXPECT_EQ(port_.downloads.Pending()[0].offset, OffsetOf(3)) << "it goes on there";
}

TEST_F(DamagedPiecesTest, AgainAndAgainEndTheTransfer) {
  const std::string content = Noise();
  const auto damage = [](std::string& payload, std::size_t) { payload.back() ^= 1; };
  up_.spoil = damage;
  const auto up = Upload(content);
  ASSERT_TRUE(up.has_value());
  ASSERT_FALSE(up->ok());
  EXPECT_EQ(up->error().message, "an input arrives damaged again and again");
  EXPECT_EQ(up->error().hint, "check the memory of this machine and of the node");
  for (int i = 0; i < 8; ++i) Turn();
  EXPECT_EQ(blobs_->PartialBytes(Sha256::Of(content)), 0) << "nothing of it is left there";

  up_.spoil = nullptr;
  ASSERT_TRUE(Upload(content)->ok());
  down_.spoil = damage;
  const auto down = Download(content, folder_ + "/output");
  ASSERT_TRUE(down.has_value());
  ASSERT_FALSE(down->ok());
  EXPECT_EQ(down->error().message, "an output arrives damaged again and again");
  EXPECT_FALSE(fs::exists(folder_ + "/output.part"));
  EXPECT_FALSE(port_.broken());
}

// What is still on its way of the first request is not taken for the second.
TEST_F(DamagedPiecesTest, AnOutputThatIsAskedForAnewIsWhole) {
  const std::string content = Noise();
  ASSERT_TRUE(Upload(content)->ok());
  port_.Fetch(Sha256::Of(content), static_cast<std::int64_t>(kBytes), folder_ + "/a.part",
              folder_ + "/a");
  while (port_.downloads.bytes_received() == 0) Turn();
  port_.CancelFetch(folder_ + "/a");
  const auto done = Download(content, folder_ + "/b");
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->ok()) << done->error().message;
  EXPECT_TRUE(Here("b") == content);
  EXPECT_FALSE(fs::exists(folder_ + "/a"));
}

// As when its task is cancelled: on a slow line all that follows would wait for it.
TEST_F(DamagedPiecesTest, OfWhatNobodyWantsAnyMoreNoMoreAreSent) {
  const std::string content = Noise();
  std::ofstream(folder_ + "/input", std::ios::binary) << content;
  ASSERT_TRUE(Upload(content).value().ok());
  const std::string target = folder_ + "/output";
  for (const std::string& other : {target + "-1", target + "-2"}) {
    port_.Fetch(Sha256::Of(content), static_cast<std::int64_t>(content.size()), other + ".part",
                other);
  }
  while (down_.offsets.empty()) Turn();
  port_.CancelFetch(target + "-1");
  EXPECT_TRUE(fs::exists(target + "-1.part")) << "somebody else wants it";
  port_.CancelFetch(target + "-2");
  EXPECT_FALSE(fs::exists(target + "-1.part"));
  for (int i = 0; i < 50; ++i) Turn();
  EXPECT_LT(down_.offsets.size(), kPieces);
  EXPECT_TRUE(port_.downloads.Take().empty());
  // Asked for again, it comes from its beginning.
  ASSERT_TRUE(Download(content, target).value().ok());
  EXPECT_EQ(Here("output"), content);
}

// The check value of the standard, in every length and place that a word or its rest can have.
TEST(Checksum, IsThatOfTheStandardOnAnyProcessor) {
  EXPECT_EQ(node::Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(node::Crc32c(""), 0U);
  const std::string noise = Noise().substr(0, 100);
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t to = from; to <= noise.size(); ++to) {
      const std::string_view bytes = std::string_view(noise).substr(from, to - from);
      const std::uint32_t whole = node::Crc32cByTable(bytes);
      EXPECT_EQ(node::Crc32c(bytes), whole);
      const std::size_t half = bytes.size() / 3;
      EXPECT_EQ(node::Crc32c(bytes.substr(half), node::Crc32c(bytes.substr(0, half))), whole);
    }
  }
}

}  // namespace
}  // namespace dml::ssh
