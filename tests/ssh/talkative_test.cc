// Login shells that print whatever they are asked for, and words of any bytes: `dml cluster` shows
// what its own program and the commands of people say, whole, and nothing else.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

// The first greets on both outputs, at length, without a line break at the end of one.
class TalkativeTest : public ProgramFixture {
 protected:
  TalkativeTest()
      : ProgramFixture(
            {{"/bin/bash", "Welcome\\n'; seq 1 200 >&2; printf 'Beware' >&2; : '", ""}, {}}) {}

  Output Ask(const std::string& verb, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"cluster", verb, "-c", inventory_};
    args.insert(args.end(), more.begin(), more.end());
    return Dml(std::move(args));
  }
  Json Exec(const std::string& script) {
    const Output output = Ask("exec", {"--only", "n1", "-o", "json", "--", "sh", "-c", script});
    return Json::parse(output.out, nullptr, /*allow_exceptions=*/false).at(0);
  }
};

TEST_F(TalkativeTest, OnlyWhatACommandSaysIsShownOfIt) {
  SetUpCluster();
  const Json said = Exec("echo out; echo err >&2; exit 3");
  EXPECT_EQ(said.at("out"), "out\n");
  EXPECT_EQ(said.at("err"), "err\n");
  EXPECT_EQ(said.at("code"), 3);
  const Output exec = Ask("exec", {"--only", "n1", "--", "nosuchcmd"});
  EXPECT_EQ(exec.code, 1);
  EXPECT_EQ(exec.out, "n1: command not found: nosuchcmd\n");
  const Output logs = Ask("logs", {"n1"});
  EXPECT_EQ(logs.code, 0) << logs.err;
  EXPECT_EQ(logs.out.find("Welcome"), std::string::npos) << logs.out;
  EXPECT_NE(logs.out.find("the agent begins"), std::string::npos) << logs.out;
  EXPECT_EQ(Ask("gc", {"--only", "n1"}).out, "n1: 0\n");
  for (const char* verb : {"drain", "undrain"}) {
    const Output drain = Ask(verb, {"n1"});
    EXPECT_EQ(drain.code, 0);
    EXPECT_EQ(drain.out + drain.err, "") << verb;
  }
  const Output down = Ask("down");
  EXPECT_EQ(down.code, 0);
  EXPECT_EQ(down.out + down.err, "");
  // Nothing is set up any more, and that is what is said.
  const Output after = Ask("exec", {"--only", "n1", "--", "true"});
  EXPECT_EQ(after.code, 3);
  EXPECT_NE(after.err.find("run `dml cluster setup`"), std::string::npos) << after.err;
}

TEST_F(TalkativeTest, WhatACommandSaysOnItsStandardErrorIsWhole) {
  SetUpCluster();
  const auto said = Exec("seq 1 30000 >&2").at("err").get<std::string>();
  EXPECT_EQ(std::ranges::count(said, '\n'), 30000);
  EXPECT_TRUE(said.ends_with("\n30000\n"));
}

TEST_F(TalkativeTest, WhyAFolderCannotBeMadeIsNotLostInAGreeting) {
  std::ofstream(servers_.server(0).FromHere(servers_.server(0).home() + "/plain")) << "a file";
  std::string text = *ReadFile(inventory_);
  const std::string name = "{name: n1,";
  ASSERT_NE(text.find(name), std::string::npos) << text;
  text.insert(text.find(name) + name.size(), " workdir: plain/dml,");
  std::ofstream(inventory_) << text;
  const Output setup = Ask("setup", {"--only", "n1", "--accept-new-host-keys", "-o", "json"});
  EXPECT_EQ(setup.code, 3);
  const Json node = Json::parse(setup.out).at(0);
  const auto problem = node.at("problem").get<std::string>();
  EXPECT_TRUE(problem.starts_with("cannot make the folder plain/dml: mkdir:")) << problem;
  EXPECT_FALSE(problem.ends_with("\n"));
}

// Also one that is cut is of whole characters.
TEST_F(TalkativeTest, AReasonOfAnyBytesLeavesANodeThatCanBeAsked) {
  SetUpCluster();
  std::string longest = "a";
  for (int i = 0; i < 200; ++i) longest += "\xc3\xa9";
  for (const std::string& reason : {std::string("caf\xe9: a new disk"), longest}) {
    EXPECT_EQ(Ask("drain", {"n1", "--reason", reason}).code, 0);
    const Output status = Ask("status", {"--only", "n1", "-o", "json"});
    EXPECT_EQ(status.code, 0) << status.out << status.err;
    EXPECT_NE(status.out.find("\xc3\xa9\xc3\xa9\""), reason == longest ? std::string::npos : 0);
    EXPECT_EQ(status.out.find("\xef\xbf\xbd") == std::string::npos, reason == longest)
        << status.out;
  }
}

}  // namespace
}  // namespace dml::ssh
