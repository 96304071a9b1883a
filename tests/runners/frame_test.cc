#include "runners/api/frame.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

#include "runners/api/messages.h"
#include "tests/runners/recording_sink.h"

namespace dml::runners {
namespace {

TEST(Frame, SurvivesAnyCutOfTheStream) {
  std::string stream;
  AppendFrame(FrameType::kLaunch, "first", stream);
  AppendFrame(FrameType::kKill, "", stream);
  AppendFrame(FrameType::kExited, std::string(100'000, 'x'), stream);
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, stream.size()}) {
    FrameDecoder decoder;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      decoder.Feed(std::string_view(stream).substr(at, piece));
      while (auto frame = decoder.Next().value()) frames.push_back(std::move(*frame));
    }
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].payload, "first");
    EXPECT_EQ(frames[1].type, FrameType::kKill);
    EXPECT_EQ(frames[2].payload.size(), 100'000U);
  }
}

// Bytes may be put right where they are cut.
TEST(Frame, IsReadWhereItCameIn) {
  std::string stream;
  for (std::size_t i = 0; i < 300; ++i) {
    AppendFrame(FrameType::kChunk, std::string(i * 37, static_cast<char>('a' + i % 26)), stream);
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{999}, stream.size()}) {
    FrameDecoder decoder;
    std::size_t frames = 0;
    for (std::size_t at = 0; at < stream.size();) {
      const std::span<char> room = decoder.Room(64);
      ASSERT_GE(room.size(), 64U);
      const std::size_t filled =
          std::string_view(stream).substr(at, piece).copy(room.data(), room.size());
      decoder.Filled(filled);
      at += filled;
      while (const auto frame = decoder.NextView().value()) {
        const std::size_t i = frames++;
        ASSERT_EQ(frame->payload, std::string(i * 37, static_cast<char>('a' + i % 26)));
      }
    }
    EXPECT_EQ(frames, 300U);
  }
}

// What was taken makes room for what comes: a decoder is no larger than what waits in it.
TEST(Frame, TakenOnesLeaveTheirRoom) {
  std::string frame;
  AppendFrame(FrameType::kChunk, std::string(1000, 'x'), frame);
  FrameDecoder decoder;
  const std::size_t room = decoder.Room(4096).size();
  for (int i = 0; i < 1000; ++i) {
    decoder.Feed(frame);
    ASSERT_TRUE(decoder.Next().value());
    ASSERT_LE(decoder.Room(4096).size(), room);
  }
}

TEST(Frame, RefusesSizesAndTypesThatCannotBe) {
  FrameDecoder large;
  large.Feed(std::string("\xff\xff\xff\xff\x02", 5));
  EXPECT_FALSE(large.Next().ok());
  FrameDecoder unknown;
  unknown.Feed(std::string("\x00\x00\x00\x00\x63", 5));
  EXPECT_FALSE(unknown.Next().ok());
}

TEST(Messages, ALaunchComesBackWhole) {
  LaunchSpec spec = CommandSpec(4, {"echo", "a b", "\xc3\xa4"}, "/tmp/x");
  spec.task_name = "train@C=0.1";
  spec.inputs = {
      {"data", PortKind::kTable, {{"part-0", "/blob", 12, Sha256::Of("a")}}, Sha256::Of("b")}};
  PortSpec port;
  port.name = "model";
  port.kind = PortKind::kModel;
  spec.outputs = {port};
  spec.env = {{"SEED", "42"}};
  spec.secrets = {"s\"e"};
  spec.cpus = 0.5;
  spec.timeout = Duration::Seconds(5);
  const LaunchSpec back = DecodeLaunch(EncodeLaunch(spec)).value();
  EXPECT_EQ(EncodeLaunch(back), EncodeLaunch(spec));
  EXPECT_EQ(back.key, spec.key);
  EXPECT_EQ(std::get<Command>(back.work).argv, std::get<Command>(spec.work).argv);
  EXPECT_EQ(back.inputs[0].files[0].digest, Sha256::Of("a"));
  EXPECT_EQ(back.secrets, spec.secrets);
  EXPECT_EQ(back.cpus, 0.5);
  EXPECT_EQ(back.outputs[0].kind, PortKind::kModel);
}

TEST(Messages, EveryEndComesBackWhole) {
  const std::vector<ExitReason> reasons{
      ExitSuccess{},       ExitTimeout{},
      ExitKilled{},        ExitSignal{11, false},
      ExitSignal{9, true}, ExitFailure{Error::Invalid("bad", "fix").At("f:1:2"), 2}};
  for (const ExitReason& reason : reasons) {
    AttemptExited event;
    event.key = KeyOf(7);
    event.reason = reason;
    event.metrics = {{"cv", {{"roc_auc", 0.5}}}};
    event.warnings = {"w"};
    event.usage = {Duration{5}, Duration{6}, 7};
    const AttemptExited back = DecodeExited(EncodeExited(event)).value();
    EXPECT_EQ(EncodeExited(back), EncodeExited(event));
    EXPECT_EQ(back.reason.index(), reason.index());
  }
}

TEST(Messages, GarbageIsAnError) {
  for (const char* text : {"", "{", "[]", "null", R"({"key":[1,2]})", R"({"key":"x"})"}) {
    EXPECT_FALSE(DecodeLaunch(text).ok()) << text;
    EXPECT_FALSE(DecodeExited(text).ok()) << text;
    EXPECT_FALSE(DecodeKill(text).ok()) << text;
    EXPECT_FALSE(DecodeStarted(text).ok()) << text;
    EXPECT_FALSE(DecodeProgress(text).ok()) << text;
    EXPECT_FALSE(DecodeKey(text).ok()) << text;
  }
}

}  // namespace
}  // namespace dml::runners
