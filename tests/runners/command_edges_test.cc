// Goal: whatever is wrong with a command, it fails alone, and its message says what to do.

#include <sys/resource.h>
#include <sys/stat.h>

#include <sstream>

#include "runners/agent/command_files.h"
#include "runners/agent/command_run.h"
#include "tests/runners/command_fixture.h"
#include "tests/sanitized.h"

namespace dml::local {
namespace {

using runners::Command;
using runners::CommandSpec;
using runners::ExitFailure;
using runners::KeyOf;
using runners::LaunchSpec;

class CommandEdgesTest : public CommandTest {
 protected:
  std::string Hint(std::size_t task) {
    return std::get<ExitFailure>(sink_.Exited(KeyOf(task)).reason).error.hint;
  }
  bool OutOfMemory(std::size_t task) {
    return std::get<ExitFailure>(sink_.Exited(KeyOf(task)).reason).out_of_memory;
  }
  // A file in the test's folder; returns its path.
  std::string Write(const std::string& name, const std::string& content, ::mode_t mode) {
    std::string path = root_ + "/" + name;
    EXPECT_TRUE(WriteFileAtomic(path, content).ok());
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
};

TEST_F(CommandEdgesTest, AMisspeltProgramIsGuessed) {
  EXPECT_EQ(Run(CommandSpec(0, {"prinft", "x"}, root_)),
            "exit 127: cannot start 'prinft': no such program on the PATH");
  EXPECT_EQ(Hint(0), "did you mean 'printf'?");
  EXPECT_EQ(Run(CommandSpec(1, {root_ + "/gone"}, root_)),
            "exit 127: cannot start '" + root_ + "/gone': there is no such file");
}

TEST_F(CommandEdgesTest, FilesThatAreNoProgramsSayWhy) {
  const std::string plain = Write("plain.sh", "#!/bin/sh\n", 0644);
  EXPECT_EQ(Run(CommandSpec(0, {plain}, root_)),
            "exit 126: cannot start '" + plain + "': it is not an executable file");
  EXPECT_EQ(Hint(0), "chmod +x '" + plain + "', or put its interpreter in front");
  const std::string bare = Write("bare.py", "print(1)\n", 0755);
  EXPECT_TRUE(Run(CommandSpec(1, {bare}, root_)).starts_with("exit 126: cannot start"));
  EXPECT_EQ(Hint(1), "put its interpreter in front: [python3, " + bare + "]");
  const std::string odd = Write("odd", "#!/no/such/interpreter\n", 0755);
  EXPECT_EQ(Run(CommandSpec(2, {odd}, root_)),
            "exit 127: cannot start '" + odd +
                "': the interpreter that its first line names does not exist");
}

TEST_F(CommandEdgesTest, AnArgumentListMayBeTooLong) {
  const std::vector<std::string> argv{"true", std::string(4U << 20, 'x')};
  EXPECT_EQ(Run(CommandSpec(0, argv, root_)),
            "exit 126: cannot start 'true': its arguments and environment are too long");
  EXPECT_EQ(Hint(0), "write long lists into a file and pass its path");
}

TEST_F(CommandEdgesTest, WhatTheSystemCannotPassOnIsInvalid) {
  EXPECT_EQ(Run(CommandSpec(0, {"echo", std::string("a\0b", 3)}, root_)),
            "exit 2: an argument of a command cannot hold a NUL byte");
  LaunchSpec named = CommandSpec(1, {"true"}, root_);
  named.env = {{"A=B", "c"}};
  EXPECT_EQ(Run(named), "exit 2: 'A=B' cannot be the name of an environment variable");
  LaunchSpec cut = CommandSpec(2, {"true"}, root_);
  cut.env = {{"A", std::string("x\0y", 3)}};
  EXPECT_EQ(Run(cut), "exit 2: environment variable 'A' cannot hold a NUL byte");
  EXPECT_EQ(Run(CommandSpec(3, {}, root_)), "exit 2: the command is empty");
}

TEST_F(CommandEdgesTest, ValuesMayHoldAnything) {
  LaunchSpec spec = Shell(0, "printf '%s' \"$A\"");
  spec.env = {{"A", "x=y=z \n\"'$(\xc3\xa4"}};
  EXPECT_EQ(Run(spec), "success");
  EXPECT_EQ(Log(0), "x=y=z \n\"'$(\xc3\xa4");
}

TEST_F(CommandEdgesTest, InputIsEmptyAndOutputMayBeClosed) {
  EXPECT_EQ(Run(Shell(0, "cat; exec >&- 2>&-; sleep 0.01; exit 4")),
            "exit 4: the command ended with exit code 4");
  EXPECT_EQ(Run(Shell(1, "printf 'a\\0b'")), "success");
  EXPECT_EQ(Log(1), std::string("a\0b", 3));
}

TEST_F(CommandEdgesTest, ALogThatGrowsTooLongKeepsItsEnd) {
  LaunchSpec spec =
      Shell(0, "echo first; truncate -s 300000000 /proc/self/fd/1; sleep 2; echo last");
  EXPECT_EQ(Run(spec), "success");
  const std::string log = Log(0);
  EXPECT_LT(log.size(), static_cast<std::size_t>(agent::kLogBytesMax));
  EXPECT_TRUE(log.starts_with("[dml: its log grew beyond 256 MiB"));
  EXPECT_TRUE(log.ends_with("last\n"));
  EXPECT_EQ(sink_.Exited(KeyOf(0)).warnings, std::vector<std::string>{agent::kLogCutWarning});
}

// Its only long line included: the reason for a failure stands at the end.
TEST_F(CommandEdgesTest, ALogOfOneEndlessLineKeepsItsEnd) {
  // More than it may be, within a moment.
  const std::string flood =
      "truncate -s 283000000 /proc/self/fd/1; head -c 17000000 /dev/zero | tr '\\0' x; ";
  EXPECT_EQ(Run(Shell(0, flood + "echo; echo 'FATAL: the reason'; exit 3")),
            "exit 3: the command ended with exit code 3");
  const std::string log = Log(0);
  EXPECT_LT(log.size(), static_cast<std::size_t>(2 * agent::kLogBytesKept));
  EXPECT_TRUE(log.starts_with("[dml: its log grew beyond 256 MiB"));
  EXPECT_TRUE(log.ends_with("xxx\nFATAL: the reason\n"));
}

TEST_F(CommandEdgesTest, RunningOutOfMemoryIsToldFromOtherEnds) {
  constexpr std::int64_t kLimit = 256 << 20;
  // Holds nearly all that it may have, and is killed by a signal that nobody here sent.
  LaunchSpec full = Shell(0, "x=$(head -c 132000000 /dev/zero | tr '\\0' x); kill -9 $$");
  full.memory_bytes = kLimit;
  EXPECT_EQ(Run(full), "memory");
  LaunchSpec small = Shell(1, "kill -9 $$");
  small.memory_bytes = kLimit;
  EXPECT_EQ(Run(small), "signal 9");
  // The one that starts it holds more than that.
  LaunchSpec tiny = Shell(2, "kill -9 $$");
  tiny.memory_bytes = 2 << 20;
  EXPECT_EQ(Run(tiny), "signal 9");
}

TEST_F(CommandEdgesTest, TheMemoryLimitHolds) {
  LaunchSpec spec = Shell(0, "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived");
  spec.memory_bytes = 64 << 20;
  EXPECT_NE(Run(spec), "success");
}

TEST_F(CommandEdgesTest, TheMemoryLimitHoldsFromTheFirstInstructionOn) {
  // A limit that comes after the start is missed now and then.
  for (std::size_t task = 0; task < 100; ++task) {
    LaunchSpec spec = CommandSpec(task, {"grep", "data size", "/proc/self/limits"}, root_);
    spec.memory_bytes = 64 << 20;
    ASSERT_EQ(Run(spec), "success");
    ASSERT_NE(Log(task).find("67108864             67108864"), std::string::npos) << Log(task);
  }
}

TEST_F(CommandEdgesTest, AnAllocationThatIsRefusedIsRecognised) {
  LaunchSpec spec = Shell(0, "echo 'MemoryError' >&2; exit 1");
  EXPECT_EQ(Run(spec), "exit 1: the command ended with exit code 1");
  EXPECT_EQ(Hint(0), "") << "without a limit it says nothing";
  EXPECT_FALSE(OutOfMemory(0));
  LaunchSpec limited = Shell(1, "echo 'MemoryError' >&2; exit 1");
  limited.memory_bytes = 64 << 20;
  EXPECT_EQ(Run(limited), "exit 1: the command ended with exit code 1");
  EXPECT_EQ(Hint(1), "it was refused memory: ask for more with resources: {memory: ...}");
  EXPECT_TRUE(OutOfMemory(1)) << "the next attempt asks for more";
  LaunchSpec aborted = Shell(2, "echo \"instance of 'std::bad_alloc'\" >&2; kill -ABRT $$");
  aborted.memory_bytes = 64 << 20;
  EXPECT_EQ(Run(aborted), "memory");
}

// A message about code that handles it is not one of it.
TEST_F(CommandEdgesTest, OnlyTheLastWordsTellOfARefusal) {
  auto says = [&, task = std::size_t{0}](const std::string& text) mutable {
    LaunchSpec spec = Shell(++task, "printf '" + text + "' >&2; exit 1");
    spec.memory_bytes = std::int64_t{1} << 34;
    Run(spec);
    return OutOfMemory(task);
  };
  const std::string trace = "Traceback (most recent call last):\\n  File \"f.py\", line 1\\n";
  EXPECT_FALSE(
      says(trace + "    except MemoryError\\n          ^\\nSyntaxError: invalid syntax\\n"));
  EXPECT_FALSE(says("MemoryError\\ntrying smaller batches\\none\\ntwo\\nno such file\\n"));
  EXPECT_FALSE(says("handled a MemoryError: going on\\nbad input\\n"));
  EXPECT_TRUE(says(trace + "MemoryError"));
  EXPECT_TRUE(
      says(trace + "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8 GiB\\n\\n"));
  EXPECT_TRUE(
      says("terminate called after throwing an instance of std::bad_alloc\\n"
           "  what():  std::bad_alloc\\nAborted\\n"));
  EXPECT_TRUE(
      says("Exception in thread main java.lang.OutOfMemoryError: Java heap space\\n"
           "\\tat A.b(A.java:1)\\n\\tat A.c(A.java:2)\\n\\tat A.d(A.java:3)\\n"));
}

#if !defined(DML_SANITIZED)  // they look at memory through a pipe
TEST_F(CommandEdgesTest, TheEndIsSeenWithoutADescriptorToSpare) {
  agent::CommandRun run;
  LaunchSpec spec = Shell(0, "sleep 0.05; exit 3");
  spec.log_path.clear();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const agent::CommandEnd end = run.Run(spec, [&](int) {
    const rlimit none{0, before.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(std::get<ExitFailure>(end.reason).exit_code, 3);
}
#endif

TEST_F(CommandEdgesTest, SecretsReachTheCommandAndNothingElse) {
  LaunchSpec spec = Shell(0,
                          "echo \"[$TOKEN]\"; printf '%s' \"$TOKEN\" | cut -c1-6; "
                          "printf 'hunter2'; sleep 0.05; printf -- '-xyz\\n'; echo $#; exit 3");
  spec.env = {{"TOKEN", "hunter2-xyz"}};
  spec.secrets = {"hunter2-xyz", ""};
  EXPECT_EQ(Run(spec), "exit 3: the command ended with exit code 3");
  EXPECT_EQ(Log(0), "[***]\nhunter\n***\n0\n");
  LaunchSpec named = CommandSpec(1, {"/no/hunter2-xyz"}, root_);
  named.secrets = {"hunter2-xyz"};
  EXPECT_EQ(Run(named), "exit 127: cannot start '/no/***': there is no such file");
}

TEST_F(CommandEdgesTest, ASecretiveCommandMayLeaveItsOutputOpen) {
  LaunchSpec spec = Shell(0, "setsid sleep 20 & echo $! secret");
  spec.secrets = {"secret"};
  EXPECT_EQ(Run(spec), "success");
  const int pid = std::stoi(Log(0));
  EXPECT_EQ(Log(0), std::to_string(pid) + " ***\n");
  EXPECT_TRUE(IsDead(pid));
}

// In a session and group of its own, and without a parent: no signal to the group finds it.
TEST_F(CommandEdgesTest, WhatACommandLeavesBehindEndsWithIt) {
  for (const char* end : {"true", "exit 3"}) {
    const std::string list = root_ + "/pids";
    const std::string script = "setsid sh -c 'sleep 500 & echo $! > " + list +
                               "; env -i sleep 500 & echo $! >> " + list + "' & wait $!; " + end;
    Run(Shell(launched_, script));
    std::istringstream words(ReadFile(list).value());
    std::vector<int> pids;
    for (int pid = 0; words >> pid;) pids.push_back(pid);
    EXPECT_EQ(pids.size(), 2U);
    for (const int pid : pids) EXPECT_TRUE(IsDead(pid)) << end;
  }
}

}  // namespace
}  // namespace dml::local
