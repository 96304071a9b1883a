// Goal: commands run as people expect of a shell, and none outlives its task.

#include "base/hash.h"
#include "runners/agent/machine.h"
#include "tests/runners/command_fixture.h"

namespace dml::local {
namespace {

using runners::Command;
using runners::CommandSpec;
using runners::KeyOf;
using runners::LaunchSpec;

TEST_F(CommandTest, WritesItsOutputToTheLog) {
  LaunchSpec spec = Shell(0, "echo out; echo \"$GREETING\" >&2");
  spec.env = {{"GREETING", "hello there"}};
  EXPECT_EQ(Run(spec), "success");
  EXPECT_EQ(Log(0), "out\nhello there\n");
}

TEST_F(CommandTest, PassesArgumentsWithoutAShell) {
  EXPECT_EQ(Run(CommandSpec(0, {"printf", "%s|", "a b", "$HOME", ";"}, root_)), "success");
  EXPECT_EQ(Log(0), "a b|$HOME|;|");
}

TEST_F(CommandTest, ReportsExitCodesSignalsAndMissingPrograms) {
  EXPECT_EQ(Run(Shell(0, "exit 3")), "exit 3: the command ended with exit code 3");
  EXPECT_EQ(Run(Shell(1, "kill -9 $$")), "signal 9");
  EXPECT_EQ(Run(CommandSpec(2, {"no-such-program"}, root_)),
            "exit 127: cannot start 'no-such-program': no such program on the PATH");
}

TEST_F(CommandTest, ATrivialCommandLeavesNoFiles) {
  EXPECT_EQ(Run(CommandSpec(0, {"true"}, root_)), "success");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/0"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/logs/0.log"));
}

TEST_F(CommandTest, LinksInputsAndCollectsOutputs) {
  ASSERT_TRUE(WriteFileAtomic(root_ + "/blob", "content").ok());
  LaunchSpec spec = Shell(0, "tr a-z A-Z < in/data.txt > result.txt; mkdir tree; echo x > tree/f");
  auto& command = std::get<Command>(spec.work);
  command.inputs = {{"data", "in/data.txt"}};
  command.outputs = {{"text", "result.txt"}, {"folder", "tree"}};
  spec.inputs = {{"data", PortKind::kFile, {{"data.txt", root_ + "/blob", 7, {}}}, {}}};
  EXPECT_EQ(Run(spec), "success");
  EXPECT_EQ(*ReadFile(spec.attempt_dir + "/out/text/result.txt"), "CONTENT");
  EXPECT_EQ(*ReadFile(spec.attempt_dir + "/out/folder/folder/f"), "x\n");
}

// The mask of whoever asked for the run, not that of whoever runs it.
TEST_F(CommandTest, HasTheMaskItWasGiven) {
  LaunchSpec spec = Shell(0, "umask; stat -c %a . sub; > f; stat -c %a f");
  auto& command = std::get<Command>(spec.work);
  command.outputs = {{"o", "sub/o"}};
  command.umask = 027;
  EXPECT_EQ(Run(spec), "exit 1: the command did not write its output 'sub/o'");
  EXPECT_EQ(Log(0), "0027\n750\n750\n640\n");
  EXPECT_EQ(Run(Shell(1, "umask")), "success");
  EXPECT_EQ(Log(1), "0022\n");
}

// Called as in the folder of the pipeline: by the way that leads there, which may lead upwards.
TEST_F(CommandTest, CodeIsWhereThePipelineHasIt) {
  const auto file = [&](const std::string& name) {
    const std::string path = root_ + "/" + Sha256::Of(name).Short();
    EXPECT_TRUE(WriteFileAtomic(path, "echo " + name + "\n").ok());
    return ArtifactFile{name, path, 0, {}};
  };
  LaunchSpec spec = Shell(0,
                          "sh ../side/s.sh; sh ../../far.sh; sh lib/l.sh; sh ../team/own.sh; "
                          "sh s.sh; sh far.sh; basename $PWD");
  auto& command = std::get<Command>(spec.work);
  command.work_dir = spec.attempt_dir + "/work/deep/team";
  command.own_folder = true;
  spec.files = {{"", {file("../side/s.sh"), file("../../far.sh"), file("far.sh")}},
                {"", {file("lib/l.sh"), file("own.sh")}}};
  EXPECT_EQ(Run(spec), "success");
  EXPECT_EQ(Log(0), "../side/s.sh\n../../far.sh\nlib/l.sh\nown.sh\n../side/s.sh\nfar.sh\nteam\n");
  spec.key = KeyOf(1);
  spec.files = {{"", {file("../../../x.sh")}}};
  EXPECT_EQ(Run(spec), "exit 1: the code '../../../x.sh' is not inside the attempt's folder");
}

TEST_F(CommandTest, AMissingOutputIsAFailure) {
  LaunchSpec spec = Shell(0, "true");
  std::get<Command>(spec.work).outputs = {{"text", "result.txt"}};
  EXPECT_EQ(Run(spec), "exit 1: the command did not write its output 'result.txt'");
}

// Not the command's fault: the next attempt gets another.
TEST_F(CommandTest, AFolderThatIsRemovedUnderItIsInfrastructure) {
  LaunchSpec spec = Shell(0, "rm -r '" + root_ + "/0'; echo x > result.txt");
  spec.attempt_dir = root_ + "/0";
  auto& command = std::get<Command>(spec.work);
  command.work_dir = spec.attempt_dir + "/work";
  command.outputs = {{"text", "result.txt"}};
  Run(spec);
  const auto failure = std::get<runners::ExitFailure>(sink_.Exited(KeyOf(0)).reason);
  EXPECT_EQ(failure.error.kind, ErrorKind::kEnvironment);
  EXPECT_EQ(failure.error.message, "its folder '" + root_ + "/0' was removed while it ran");
  spec.key = KeyOf(1);
  std::get<Command>(spec.work).argv.back() = "rm -r \"$PWD\"";
  EXPECT_EQ(Run(spec), "exit 1: the command did not write its output 'result.txt'")
      << "its work folder is its own";
}

// Wherever the worker is.
TEST_F(CommandTest, StartsInTheFolderOfThePipeline) {
  std::filesystem::create_directories(root_ + "/project");
  LaunchSpec spec = Shell(0, "pwd -P");
  std::get<Command>(spec.work).pipeline_dir = root_ + "/project";
  EXPECT_EQ(Run(spec), "success");
  EXPECT_EQ(Log(0), std::filesystem::canonical(root_ + "/project").string() + "\n");
  spec.key = KeyOf(1);
  std::get<Command>(spec.work).pipeline_dir = root_ + "/none";
  EXPECT_EQ(Run(spec), "exit 1: the folder of the pipeline '" + root_ + "/none' is gone");
  spec.key = KeyOf(2);
  std::get<Command>(spec.work).own_folder = true;
  EXPECT_EQ(Run(spec), "success") << "on a node it is somewhere else";
}

TEST_F(CommandTest, OutputsStayInsideTheWorkFolder) {
  LaunchSpec spec = Shell(0, "true");
  std::get<Command>(spec.work).outputs = {{"text", "../../escape"}};
  EXPECT_EQ(Run(spec), "exit 1: '../../escape' is not inside the work folder");
}

TEST_F(CommandTest, TimesOutEvenWhenTermIsIgnored) {
  LaunchSpec spec = Shell(0, "trap '' TERM; while :; do sleep 0.05; done");
  spec.timeout = Duration::Millis(50);
  EXPECT_EQ(Run(spec), "timeout");
}

TEST_F(CommandTest, KillingReachesTheWholeGroup) {
  const LaunchSpec spec = Shell(0, "sleep 1000 & echo $!; wait");
  ASSERT_TRUE(runner_.Launch({spec}).ok());
  const int pid = sink_.WaitForStart(KeyOf(0));
  while (!ReadFile(spec.log_path).ok() || !Log(0).ends_with('\n')) std::this_thread::yield();
  const int child = std::stoi(Log(0));
  EXPECT_FALSE(IsDead(child));
  runner_.Kill(KeyOf(0), runners::KillMode::kTerminate);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(0)), "killed");
  EXPECT_TRUE(DiesSoon(pid));
  EXPECT_TRUE(DiesSoon(child));
}

// Of what is over at once one message is enough, and its log needs no other name meanwhile.
TEST_F(CommandTest, OneThatLastsIsSaidToRunAndShowsItsLog) {
  LaunchSpec spec = Shell(0, "echo begun; while [ ! -e \"$GO\" ]; do sleep 0.01; done; echo ended");
  spec.env = {{"GO", root_ + "/go"}};
  ASSERT_TRUE(runner_.Launch({spec}).ok());
  EXPECT_GT(sink_.WaitForStart(KeyOf(0)), 0);
  EXPECT_TRUE(std::filesystem::exists(spec.log_path));
  while (!Log(0).ends_with('\n')) std::this_thread::yield();
  EXPECT_EQ(Log(0), "begun\n");
  ASSERT_TRUE(WriteFileAtomic(root_ + "/go", "").ok());
  sink_.WaitForEnds(++launched_);
  EXPECT_EQ(sink_.End(KeyOf(0)), "success");
  EXPECT_EQ(Log(0), "begun\nended\n");
}

TEST_F(CommandTest, WhatACommandLeavesRunningEndsWithIt) {
  EXPECT_EQ(Run(Shell(0, "sleep 1000 & echo $!")), "success");
  EXPECT_TRUE(DiesSoon(std::stoi(Log(0))));
}

TEST_F(CommandTest, MeasuresWhatWasUsed) {
  EXPECT_EQ(Run(Shell(0, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")), "success");
  const runners::ResourceUsage usage = sink_.Exited(KeyOf(0)).usage;
  EXPECT_GT(usage.wall.ns, 0);
  EXPECT_GT(usage.cpu.ns, 0);
  EXPECT_GT(usage.memory_bytes_max, 100'000);
}

TEST_F(CommandTest, ThisMachineHasCapacity) {
  const runners::Capacity capacity = agent::MachineCapacity();
  EXPECT_GE(capacity.cpus, 1);
  EXPECT_GT(capacity.memory_bytes, 1 << 20);
  EXPECT_EQ(runner_.Total().cpus, 2);
}

}  // namespace
}  // namespace dml::local
