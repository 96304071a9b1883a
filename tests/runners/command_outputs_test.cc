// Goal: what a command leaves is taken as it is, and nothing of anybody else's with it; what it is
// given has the shape in which it was left.

#include "runners/agent/command_outputs.h"

#include <sys/stat.h>

#include "runners/api/executables.h"
#include "tests/runners/command_fixture.h"

namespace dml::local {
namespace {

namespace fs = std::filesystem;

using runners::Command;
using runners::LaunchSpec;

class CommandOutputs : public CommandTest {
 protected:
  LaunchSpec Leaving(std::size_t task, const std::string& script, const std::string& output,
                     PortKind kind = PortKind::kFile) {
    LaunchSpec spec = Shell(task, script);
    std::get<Command>(spec.work).outputs = {{"o", output}};
    PortSpec port;
    port.name = "o";
    port.kind = kind;
    spec.outputs = {port};
    return spec;
  }
  static struct stat StatOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info;
  }
  // What `find` says about the input of a command: names below it, or "." for a file.
  std::string Given(std::size_t task, PortKind kind, const std::vector<std::string>& names) {
    LaunchSpec spec = Shell(task, "cd in && find -L * | sort || test -f in");
    std::get<Command>(spec.work).inputs = {{"x", "in"}};
    Artifact artifact{"x", kind, {}, {}};
    for (const std::string& name : names) {
      artifact.files.push_back({name, root_ + "/blob", 0, {}});
    }
    spec.inputs = {artifact};
    EXPECT_TRUE(WriteFileAtomic(root_ + "/blob", "").ok());
    EXPECT_EQ(Run(spec), "success");
    return Log(task);
  }
};

TEST_F(CommandOutputs, ALinkIsRefusedAndWhatItPointsAtStays) {
  fs::create_directories(root_ + "/mine");
  ASSERT_TRUE(WriteFileAtomic(root_ + "/mine/f", "mine").ok());
  const std::string link = "ln -s " + root_ + "/mine ";
  EXPECT_EQ(Run(Leaving(0, link + "o", "o")),
            "exit 1: the output 'o' is not here: 'o' is a symbolic link");
  EXPECT_EQ(Run(Leaving(1, "rmdir sub; " + link + "sub", "sub/f")),
            "exit 1: the output 'sub/f' is not here: 'sub' is a symbolic link");
  EXPECT_EQ(Run(Leaving(2, "ln -s " + root_ + "/mine/f o", "o")),
            "exit 1: the output 'o' is not here: 'o' is a symbolic link");
  EXPECT_EQ(Run(Leaving(3, "rmdir o; " + link + "o", "o/")),
            "exit 1: the output 'o/' is not here: 'o' is a symbolic link");
  EXPECT_EQ(*ReadFile(root_ + "/mine/f"), "mine");
  EXPECT_EQ(StatOf(root_ + "/mine/f").st_nlink, 1U);
}

TEST_F(CommandOutputs, AFileWithFurtherNamesIsCopied) {
  ASSERT_TRUE(WriteFileAtomic(root_ + "/mine", "mine").ok());
  const LaunchSpec file = Leaving(0, "ln " + root_ + "/mine o", "o");
  EXPECT_EQ(Run(file), "success");
  const LaunchSpec folder = Leaving(1, "mkdir -p o/sub; ln " + root_ + "/mine o/sub/f", "o");
  EXPECT_EQ(Run(folder), "success");
  for (const std::string& path :
       {file.attempt_dir + "/out/o/o", folder.attempt_dir + "/out/o/folder/sub/f"}) {
    EXPECT_EQ(*ReadFile(path), "mine");
    EXPECT_EQ(StatOf(path).st_nlink, 1U);
    EXPECT_NE(StatOf(path).st_ino, StatOf(root_ + "/mine").st_ino);
  }
  EXPECT_EQ(StatOf(root_ + "/mine").st_nlink, 1U);
}

TEST_F(CommandOutputs, TwoThatAreOneFileBecomeTwo) {
  LaunchSpec spec = Leaving(0, "echo x > o; ln o p", "o");
  std::get<Command>(spec.work).outputs.emplace("p", "p");
  spec.outputs.push_back(spec.outputs.front());
  spec.outputs.back().name = "p";
  EXPECT_EQ(Run(spec), "success");
  const std::string out = spec.attempt_dir + "/out/";
  EXPECT_EQ(*ReadFile(out + "o/o"), "x\n");
  EXPECT_EQ(*ReadFile(out + "p/p"), "x\n");
  EXPECT_NE(StatOf(out + "o/o").st_ino, StatOf(out + "p/p").st_ino);
}

TEST_F(CommandOutputs, AFolderIsOneHoweverManyFilesItHas) {
  const auto left = [&](std::size_t task, const std::string& script, PortKind kind) {
    const LaunchSpec spec = Leaving(task, script, "o", kind);
    EXPECT_EQ(Run(spec), "success");
    std::string names;
    for (const auto& entry : fs::recursive_directory_iterator(spec.attempt_dir + "/out/o")) {
      names += entry.path().lexically_relative(spec.attempt_dir + "/out/o").string() + " ";
    }
    return names;
  };
  EXPECT_EQ(left(0, "mkdir o; echo > o/f", PortKind::kFile), "folder folder/f ");
  EXPECT_EQ(left(1, "mkdir o", PortKind::kFile), "folder ");
  EXPECT_EQ(left(2, "echo > o", PortKind::kFile), "o ");
  EXPECT_EQ(left(3, "mkdir o; echo > o/table.json", PortKind::kTable), "table.json ");
}

TEST_F(CommandOutputs, AnInputHasTheShapeInWhichItWasLeft) {
  EXPECT_EQ(Given(0, PortKind::kFile, {"folder/part-0"}), "part-0\n");
  EXPECT_EQ(Given(1, PortKind::kFile, {"folder/x/y/part-0"}), "x\nx/y\nx/y/part-0\n");
  EXPECT_EQ(Given(2, PortKind::kFile, {"folder/a", "folder/b"}), "a\nb\n");
  EXPECT_EQ(Given(3, PortKind::kTable, {"table.json"}), "table.json\n");
}

TEST_F(CommandOutputs, AFileAndAnEmptyFolderAreGivenAsSuch) {
  const auto run = [&](std::size_t task, const std::string& test, const Artifact& input) {
    LaunchSpec spec = Shell(task, test);
    std::get<Command>(spec.work).inputs = {{"x", "in"}};
    spec.inputs = {input};
    return Run(spec);
  };
  ASSERT_TRUE(WriteFileAtomic(root_ + "/blob", "").ok());
  EXPECT_EQ(run(0, "test -d in && test -z \"$(ls in)\"", {"x", PortKind::kFile, {}, {}}),
            "success");
  EXPECT_EQ(run(1, "test -f in", {"x", PortKind::kFile, {{"name", root_ + "/blob", 0, {}}}, {}}),
            "success");
  EXPECT_EQ(run(2, "test -f in",
                {"x", PortKind::kModel, {{"model.safetensors", root_ + "/blob", 0, {}}}, {}}),
            "success");
}

TEST_F(CommandOutputs, WhatCanBeExecutedIsNoted) {
  const std::string tool = "echo 'echo it runs' > tool; chmod 755 tool; ";
  const LaunchSpec file = Leaving(0, tool, "tool");
  EXPECT_EQ(Run(file), "success");
  EXPECT_EQ(*runners::ReadExecutables(file.attempt_dir), std::set<std::string>{"o/tool"});
  const LaunchSpec folder =
      Leaving(1, "mkdir -p o/bin; cd o; " + tool + "ln tool bin/again; echo x > plain", "o");
  EXPECT_EQ(Run(folder), "success");
  EXPECT_EQ(*runners::ReadExecutables(folder.attempt_dir),
            (std::set<std::string>{"o/folder/bin/again", "o/folder/tool"}));
  const LaunchSpec table = Leaving(2, "mkdir o; echo > o/t; chmod 755 o/t", "o", PortKind::kTable);
  EXPECT_EQ(Run(table), "success");
  EXPECT_TRUE(runners::ReadExecutables(table.attempt_dir)->empty());
}

// As it was left: by its own name beside its neighbours, although the store has it under another
// name and no such mode.
TEST_F(CommandOutputs, WhatCouldBeExecutedCanBe) {
  ASSERT_TRUE(WriteFileAtomic(root_ + "/blob", "#!/bin/sh\ncat \"${0%/*}/plain\"\n").ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/text", "its neighbour\n").ok());
  for (const char* name : {"/blob", "/text"}) fs::permissions(root_ + name, fs::perms(0444));
  LaunchSpec spec = Shell(0, "in/tool && ! test -x in/plain && test -x one");
  std::get<Command>(spec.work).inputs = {{"x", "in"}, {"y", "one"}};
  const ArtifactFile tool{"folder/tool", root_ + "/blob", 0, {}, /*executable=*/true};
  const ArtifactFile plain{"folder/plain", root_ + "/text", 0, {}};
  ArtifactFile alone = tool;
  alone.name = "tool";
  spec.inputs = {{"x", PortKind::kFile, {plain, tool}, {}}, {"y", PortKind::kFile, {alone}, {}}};
  EXPECT_EQ(Run(spec), "success");
  EXPECT_EQ(Log(0), "its neighbour\n");
  EXPECT_EQ(StatOf(root_ + "/blob").st_mode & 0777U, 0444U);
}

}  // namespace
}  // namespace dml::local
