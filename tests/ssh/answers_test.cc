// What comes out of a channel before anything else: words of a login shell, the first words of a
// bridge, the answer of a probe.

#include <gtest/gtest.h>

#include <string>

#include "runners/node/bridge.h"
#include "runners/ssh/bridge_greeting.h"
#include "runners/ssh/node_probe.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/verb_words.h"

namespace dml::ssh {
namespace {

const std::string kSha(64, 'a');

std::string AnswerLine(const std::string& words) {
  return std::string(node::kBridgeMarker) + words + "\n";
}

TEST(BridgeGreeting, IsFoundBehindAnyNoiseHoweverItIsCut) {
  for (const std::string& noise :
       {std::string(), std::string("Welcome!\n"), std::string("no line break"),
        std::string("\n<<dml-node 1>"), std::string("\0\xff\x1b[2J", 6), std::string(60'000, 'x'),
        std::string("\n<<dml-node 2>> ready\n\n")}) {
    const std::string said = noise + AnswerLine("ready " + kSha);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, said.size()}) {
      BridgeGreeting greeting(kSha);
      for (std::size_t at = 0; at < said.size(); at += piece) {
        const auto heard = greeting.Hear(std::string_view(said).substr(at, piece));
        ASSERT_TRUE(heard.ok()) << heard.error().message;
        EXPECT_EQ(*heard, at + piece >= said.size());
      }
      EXPECT_FALSE(greeting.too_long());
    }
  }
}

TEST(BridgeGreeting, SaysWhyThereIsNone) {
  BridgeGreeting failed(kSha);
  const auto why = failed.Hear(AnswerLine("failed the disk is \x1b[2J full"));
  ASSERT_FALSE(why.ok());
  EXPECT_EQ(why.error().message, "the agent does not start: failed the disk is ?[2J full");
  BridgeGreeting other(kSha);
  const auto stranger = other.Hear(AnswerLine("ready " + std::string(64, 'b')));
  ASSERT_FALSE(stranger.ok());
  EXPECT_EQ(stranger.error().hint, "run `dml cluster setup`");
  BridgeGreeting endless(kSha);
  EXPECT_FALSE(*endless.Hear(std::string(kNoiseBytesMax, 'x')));
  EXPECT_FALSE(endless.too_long());
  EXPECT_FALSE(*endless.Hear("x"));
  EXPECT_TRUE(endless.too_long());
}

TEST(Quoted, IsTheEndOfItAndMovesNoTerminal) {
  EXPECT_EQ(Quoted("a\tb\x1b[0m\x7f\n\n"), "a\tb?[0m?");
  EXPECT_EQ(Quoted(std::string(1000, 'x') + "end"), "..." + std::string(297, 'x') + "end");
  EXPECT_EQ(Quoted(""), "");
}

TEST(VerbWords, AreToldFromNoiseHoweverTheyAreCut) {
  const std::string marker(node::kVerbMarker);
  const std::string words = "said\n" + marker + "and again";
  for (const std::string& noise : {std::string(), std::string("no line break"),
                                   std::string("<<dml-ver"), marker.substr(0, marker.size() - 1)}) {
    const std::string all = noise + marker + words;
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, all.size()}) {
      VerbWords verb;
      std::string heard;
      for (std::size_t at = 0; at < all.size(); at += piece)
        heard += verb.Hear(all.substr(at, piece));
      EXPECT_TRUE(verb.begun());
      EXPECT_EQ(verb.noise(), noise);
      EXPECT_EQ(heard, words);
    }
  }
  RemoteOutput output;
  output.out = "Welcome" + marker + "out";
  output.err = "the shell complains";
  EXPECT_FALSE(SkipNoise(output)) << "it began on one of the two only";
  EXPECT_EQ(output.out, "Welcome" + marker + "out");
  output.err += marker;
  EXPECT_TRUE(SkipNoise(output));
  EXPECT_EQ(output.out + output.err, "out");
}

TEST(NodeProbe, IsFoundBehindNoise) {
  const auto probe = ParseProbe("motd <<dml-probe>> {\n<<dml-probe>> {\"cpus\":2}\nbye\n");
  ASSERT_TRUE(probe.ok());
  EXPECT_EQ(probe->value("cpus", 0.0), 2);
  EXPECT_FALSE(ParseProbe("Welcome!\n").ok());
}

// What a node says is used by its kind without another look.
TEST(NodeProbe, OfAnotherKindThanItHasToBeIsRefused) {
  for (const char* answer :
       {"", "5", "[]", "null", "\"x\"", "{", R"({"cpus":"2"})", R"({"cpus":-1})", R"({"cpus":1e9})",
        R"({"sha256":1})", R"({"host":null})", R"({"memory":1.5})", R"({"memory":-1})",
        R"({"disk_free":18446744073709551615})", R"({"wall_us":1e300})", R"({"node":3})",
        R"({"node":{"agent":"x"}})", R"({"node":{"running":-1}})", R"({"node":{"drained":1}})"}) {
    EXPECT_FALSE(ParseProbe("\n<<dml-probe>> " + std::string(answer) + "\n").ok()) << answer;
  }
  EXPECT_FALSE(
      ParseProbe("\n<<dml-probe>> {\"x\":\"" + std::string(kProbeAnswerMax, 'x') + "\"}\n").ok());
  // What a newer program says beside it is kept, but not what is deep enough to exhaust a stack.
  const auto probe = ParseProbe("\n<<dml-probe>> {\"boot\":\"b\",\"gpus\":[1],\"deep\":" +
                                std::string(20'000, '[') + std::string(20'000, ']') + "}\n");
  ASSERT_TRUE(probe.ok());
  EXPECT_EQ(probe->value("boot", ""), "b");
  EXPECT_EQ(probe->at("gpus"), Json::array({1}));
  EXPECT_LT(probe->dump().size(), 100U);
}

}  // namespace
}  // namespace dml::ssh
