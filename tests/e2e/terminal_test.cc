#include "tests/e2e/terminal.h"

#include <gtest/gtest.h>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

constexpr const char* kHideCursor = "\x1b[?25l";
constexpr const char* kShowCursor = "\x1b[?25h";

class Terminal : public EndToEnd {
 protected:
  TerminalProgram OnTerminal(std::vector<std::string> args,
                             const std::string& term = "TERM=xterm") {
    args.insert(args.begin(), std::string(DML_BINARY_DIR) + "/dml");
    return TerminalProgram(
        Path(""), args,
        {"PATH=/usr/bin:/bin", "HOME=" + Path(""), "DML_HOME=" + Path(".dml"), term},
        /*columns=*/70);
  }
};

TEST_F(Terminal, BarsAreDrawnAndErasedAndTheCursorComesBack) {
  Write("p.yaml", "name: n\nsteps:\n  - id: wait\n    run: 'while ! test -e " + Path("go") +
                      "; do sleep 0.02; done'\n");
  TerminalProgram run = OnTerminal({"run", "p.yaml"});
  ASSERT_TRUE(run.ReadUntil("\x1b[J")) << "a second frame erases the first:\n" << run.screen();
  EXPECT_NE(run.screen().find(kHideCursor), std::string::npos);
  EXPECT_NE(run.screen().find("0/1"), std::string::npos) << run.screen();
  Write("go", "");
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_GT(run.screen().rfind(kShowCursor), run.screen().rfind(kHideCursor));
  EXPECT_NE(run.screen().find("succeeded"), std::string::npos);
}

TEST_F(Terminal, ControlCStopsTheRunAndRestoresTheTerminal) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: wait, run: 'sleep 600'}\n");
  TerminalProgram run = OnTerminal({"run", "p.yaml"});
  ASSERT_TRUE(run.ReadUntil("wait ")) << run.screen();
  run.Type("\x03");
  EXPECT_EQ(run.Wait(), 130) << run.screen();
  EXPECT_GT(run.screen().rfind(kShowCursor), run.screen().rfind(kHideCursor));
  EXPECT_NE(run.screen().find("stopping"), std::string::npos);
  EXPECT_EQ(States().at("wait"), "cancelled");
}

// Its tasks get the moment to end that SIGTERM gives them, and its hooks are run.
TEST_F(Terminal, ClosingItStopsTheRunInOrder) {
  Write("p.yaml", "name: n\non: {finish: {run: 'echo $DML_OUTCOME > hooked'}}\nsteps:\n" +
                      std::string("  - id: wait\n    run: 'trap \"echo ended > ") + Path("word") +
                      "; exit 1\" TERM; while :; do sleep 0.05; done'\n");
  TerminalProgram run = OnTerminal({"run", "p.yaml"});
  ASSERT_TRUE(run.ReadUntil("wait ")) << run.screen();
  run.Close();
  EXPECT_EQ(run.Wait(), 143);
  EXPECT_EQ(States().at("wait"), "cancelled");
  EXPECT_EQ(Read("word"), "ended\n");
  EXPECT_EQ(Read("hooked"), "cancelled\n");
}

// Nobody has given up what the end of the run was to set off.
TEST_F(Terminal, ClosingItLeavesHooksAlone) {
  Write("p.yaml",
        "name: n\non:\n  success: {run: 'touch hooks; while ! test -e go; do sleep 0.05; done'}\n"
        "  finish: {run: 'echo $DML_OUTCOME > hooked'}\nsteps: [{id: a, run: 'true'}]\n");
  TerminalProgram run = OnTerminal({"run", "p.yaml"});
  WaitUntil([&] { return Exists("hooks"); }, "the first hook is at work");
  run.Close();
  Write("go", "");
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(Read("hooked"), "succeeded\n");
}

TEST_F(Terminal, ADumbTerminalGetsPlainLines) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  TerminalProgram run = OnTerminal({"run", "p.yaml"}, "TERM=dumb");
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(run.screen().find('\x1b'), std::string::npos) << run.screen();
  EXPECT_NE(run.screen().find("[1/1] a  ok"), std::string::npos) << run.screen();
}

TEST_F(Terminal, ColoursCanBeRefused) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'exit 1'}\n");
  TerminalProgram with = OnTerminal({"run", "p.yaml"});
  EXPECT_EQ(with.Wait(), 1);
  EXPECT_NE(with.screen().find("\x1b[31m"), std::string::npos);
  TerminalProgram without = OnTerminal({"run", "p.yaml", "--no-color"});
  EXPECT_EQ(without.Wait(), 1);
  EXPECT_EQ(without.screen().find("\x1b[31m"), std::string::npos) << without.screen();
}

TEST_F(Terminal, TablesFitTheWidth) {
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: a, run: 'true', matrix: {x: [" + std::string(80, 'y') + "]}}\n");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  TerminalProgram status = OnTerminal({"status", "--no-color"});
  EXPECT_EQ(status.Wait(), 0);
  std::size_t start = 0;
  const std::string& screen = status.screen();
  for (std::size_t end = screen.find('\n'); end != std::string::npos;
       end = screen.find('\n', start)) {
    EXPECT_LE(end - start, 73U) << screen.substr(start, end - start);
    start = end + 1;
  }
}

}  // namespace
}  // namespace dml::e2e
