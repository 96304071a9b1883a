#include "runners/node/compression.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "runners/node/wire.h"

namespace dml::node {
namespace {

constexpr double kSlow = 1e3;
constexpr double kFast = 1e15;

// Bytes that nothing makes smaller.
std::string Noise(std::size_t size) {
  std::string noise;
  for (int i = 0; noise.size() < size; ++i) {
    const Digest digest = Sha256::Of(std::to_string(i));
    noise.append(digest.bytes.begin(), digest.bytes.end());
  }
  noise.resize(size);
  return noise;
}

std::string Text(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ",0.5,red\n";
  text.resize(size);
  return text;
}

constexpr Instant At(std::int64_t ms) { return Instant{} + Duration::Millis(ms); }

TEST(Compressor, WhatIsPackedComesBack) {
  Compressor compressor;
  for (const std::size_t size : {Compressor::kPieceBytesMin, std::size_t{70'000}, kChunkBytesMax}) {
    const std::string text = Text(size);
    const auto packed = compressor.Pack(text, kSlow);
    ASSERT_TRUE(packed);
    EXPECT_LT(packed->size(), text.size() * 2 / 3);
    const auto back = Decompress(*packed, kChunkBytesMax);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, text);
  }
}

TEST(Compressor, WhatDoesNotGetSmallerTravelsAsItIs) {
  const std::string text = Text(kChunkBytesMax);
  Compressor compressor;
  EXPECT_FALSE(compressor.Pack(Noise(kChunkBytesMax), kSlow));
  for (int i = 0; i < Compressor::kPause; ++i) EXPECT_FALSE(compressor.Pack(text, kSlow)) << i;
  EXPECT_TRUE(compressor.Pack(text, kSlow)) << "it is tried again";
  EXPECT_FALSE(compressor.Pack("short", kSlow));
}

TEST(Compressor, ALineThatIsFasterThanPackingGetsItAsItIs) {
  const std::string text = Text(kChunkBytesMax);
  Compressor compressor;
  EXPECT_FALSE(compressor.Pack(text, kFast));
  EXPECT_TRUE(compressor.Pack(text, kSlow));
  std::size_t packed = 0;
  Compressor unknown;
  for (std::size_t sent = 0; sent < 2 * Compressor::kUnknownBytesMax; sent += text.size()) {
    packed += unknown.Pack(text, std::nullopt) ? text.size() : 0;
  }
  EXPECT_EQ(packed, Compressor::kUnknownBytesMax) << "a line on which nobody had to wait";
}

TEST(Decompress, HostileBytesAreErrors) {
  Compressor compressor;
  const std::string packed = *compressor.Pack(std::string(kChunkBytesMax, '\0'), kSlow);
  EXPECT_LT(packed.size(), 1000U);
  EXPECT_TRUE(Decompress(packed, kChunkBytesMax).ok());
  EXPECT_FALSE(Decompress(packed, kChunkBytesMax - 1).ok()) << "more than a piece may be";
  EXPECT_FALSE(Decompress(packed + packed, kChunkBytesMax).ok()) << "twice as much as it says";
  EXPECT_FALSE(Decompress(packed.substr(0, packed.size() / 2), kChunkBytesMax).ok());
  EXPECT_FALSE(Decompress("", kChunkBytesMax).ok());
  EXPECT_FALSE(Decompress("nonsense", kChunkBytesMax).ok());
}

TEST(LineRate, IsWhatTheLineTakesWhileMoreWaits) {
  LineRate line;
  line.Took(1 << 20, /*waits=*/false, At(0));
  line.Took(1 << 20, /*waits=*/true, At(1));
  EXPECT_FALSE(line.per_second()) << "that filled the buffers";
  line.Took(100'000, true, At(11));
  EXPECT_FALSE(line.per_second()) << "too short to say";
  line.Took(100'000, true, At(101));
  EXPECT_DOUBLE_EQ(line.per_second().value(), 2e6);
  line.Took(5 << 20, false, At(5000));
  line.Took(1 << 20, true, At(9000));
  EXPECT_DOUBLE_EQ(line.per_second().value(), 2e6) << "nobody waited meanwhile";
  line.Took(4'000'000, true, At(10'000));
  EXPECT_DOUBLE_EQ(line.per_second().value(), 4e6);
}

}  // namespace
}  // namespace dml::node
