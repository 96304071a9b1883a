// Goal: what a user names is read and written as the user means it. Devices, pipes and links stay
// what they are; what has no end is not read; what cannot be written is said, with the right code.
// Nodes of the machine are only ever opened by the shell: the tests make their own.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

class OutputFiles : public EndToEnd {
 protected:
  void WritePipeline(const std::string& in, const std::string& out) {
    Write("data.csv", "x,y\n1,2\n2,4\n3,6\n4,8.5\n");
    Write("p.yaml",
          fmt::format("name: n\nsteps:\n  - {{id: raw, uses: load.csv, with: {{path: {}}}}}\n"
                      "  - {{id: model, uses: train.linear_regression, input: raw, with: "
                      "{{target: y}}}}\n"
                      "  - {{id: out, uses: write.csv, input: raw, with: {{path: {}}}}}\n",
                      in, out));
  }
  // A run that must be refused for its data, at once, with all of `parts` in the message.
  void ExpectRefused(const std::string& in, const std::string& out,
                     const std::vector<std::string>& parts) {
    WritePipeline(in, out);
    const Finished run = Run({"run", "p.yaml"});
    EXPECT_EQ(run.code, 2) << run.err;
    EXPECT_EQ(run.err.find("attempt"), std::string::npos) << "tried again:\n" << run.err;
    for (const std::string& part : parts) {
      EXPECT_NE(run.err.find(part), std::string::npos) << "no '" << part << "' in:\n" << run.err;
    }
  }
  // A line for the shell in the folder of the test, with dml as $DML.
  Finished Shell(const std::string& line) {
    Write("line.sh", line);
    const std::string command = fmt::format(
        "cd '{0}' && env -i PATH=/usr/bin:/bin HOME='{0}' DML_HOME='{0}/.dml' DML='{1}/dml' "
        "sh line.sh > shell.out 2> shell.err",
        Path("."), DML_BINARY_DIR);
    const int status = std::system(command.c_str());
    return {WEXITSTATUS(status), Read("shell.out"), Read("shell.err")};
  }
  [[nodiscard]] bool MakeDevice(const std::string& name, unsigned minor) const {
    return ::mknod(Path(name).c_str(), S_IFCHR | 0600, makedev(1, minor)) == 0;
  }
  [[nodiscard]] bool HasOpen(pid_t pid, const std::string& name) const {
    std::error_code gone;
    fs::directory_iterator fd("/proc/" + std::to_string(pid) + "/fd", gone);
    for (; !gone && fd != fs::directory_iterator(); fd.increment(gone)) {
      if (fs::read_symlink(fd->path(), gone).filename() == name) return true;
    }
    return false;
  }
};

TEST_F(OutputFiles, PredictWritesWhereItIsTold) {
  WritePipeline("data.csv", "deep/er/out.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Read("deep/er/out.csv"), "x,y\n1,2.0\n2,4.0\n3,6.0\n4,8.5\n") << "folders are made";
  const Finished shown = Run({"predict", "model", "data.csv"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(Run({"predict", "model", "data.csv", "-o", "-"}).out, shown.out);

  Write("real.csv", "old");
  ASSERT_EQ(::chmod(Path("real.csv").c_str(), 0600), 0);
  fs::create_symlink("real.csv", Path("link.csv"));
  ASSERT_EQ(Run({"predict", "model", "data.csv", "-o", "link.csv"}).code, 0);
  EXPECT_TRUE(fs::is_symlink(Path("link.csv")));
  EXPECT_EQ(Read("real.csv"), shown.out);
  EXPECT_EQ(fs::status(Path("real.csv")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);

  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  const int reader = ::open(Path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(Run({"predict", "model", "data.csv", "-o", "pipe"}).code, 0);
  std::string got(1000, '\0');
  const ssize_t size = ::read(reader, got.data(), got.size());
  got.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  EXPECT_EQ(got, shown.out);
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(Path("pipe")));
}

// The model does not know how its file was read: whoever predicts says it as the pipeline did.
TEST_F(OutputFiles, PredictReadsRowsAsItIsTold) {
  WritePipeline("data.csv", "out.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const Finished plain = Run({"predict", "model", "data.csv"});
  Write("odd.csv", "1;2\n2;4\n3;6\n4;8.5\n");
  const Finished odd = Run({"predict", "model", "odd.csv", "-w", "delimiter=;", "-w",
                            "header=false", "--with", "columns=[x, y]"});
  EXPECT_EQ(odd.code, 0) << odd.err;
  EXPECT_EQ(odd.out, plain.out);
  const Finished wrong =
      Run({"predict", "model", "odd.csv", "-w", "delimeter=;", "-w", "trim=maybe"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("did you mean 'delimiter'"), std::string::npos) << wrong.err;
  EXPECT_NE(wrong.err.find("'trim' must be true or false"), std::string::npos) << wrong.err;
  const Finished unsaid = Run({"predict", "model", "odd.csv"});
  EXPECT_EQ(unsaid.code, 2);
  EXPECT_NE(unsaid.err.find("--with"), std::string::npos) << unsaid.err;
}

TEST_F(OutputFiles, AFolderIsRefusedBeforeTheWork) {
  WritePipeline("data.csv", "out.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  fs::create_directory(Path("folder"));
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"predict", "model", "nowhere.csv", "-o", "folder"},
        {"report", "-o", "folder"}}) {
    const Finished refused = Run(args);
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find("'folder' is a folder"), std::string::npos) << refused.err;
  }
  for (const auto& entry : fs::directory_iterator(Path("."))) {
    EXPECT_EQ(entry.path().filename().string().find("tmp"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(Run({"report", "-o", "new/r.html"}).code, 0);
  EXPECT_NE(Read("new/r.html").find("<html"), std::string::npos);
  EXPECT_EQ(Run({"report", "-o", "data.csv/r.html"}).code, 2) << "a file where a folder should be";
}

TEST_F(OutputFiles, APathThatCannotBeWrittenIsInvalidAndNotTriedAgain) {
  fs::create_directory(Path("folder"));
  ExpectRefused("data.csv", "folder", {"folder' is a folder"});
  ExpectRefused("data.csv", "data.csv/x/out.csv", {"data.csv/x"});
}

TEST_F(OutputFiles, DevicesAreWrittenInto) {
  if (!MakeDevice("null.csv", 3)) GTEST_SKIP() << "only root makes devices";
  WritePipeline("data.csv", "null.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"report", "-o", "null.csv"}).code, 0);
  EXPECT_EQ(Run({"predict", "model", "data.csv", "-o", "null.csv"}).code, 0);
  EXPECT_TRUE(fs::is_character_file(Path("null.csv")));
}

TEST_F(OutputFiles, PredictLeavesNoScratchFolderWhenItsReaderGoes) {
  WritePipeline("data.csv", "out.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  std::string rows = "x\n";
  for (int i = 0; i < 50'000; ++i) rows += std::to_string(i) + "\n";
  Write("new.csv", rows);
  fs::create_directory(Path("tmp"));
  const Finished cut = Shell("export TMPDIR=\"$PWD/tmp\"; $DML predict model new.csv | head -n 1");
  EXPECT_EQ(cut.out, "x,prediction\n");
  EXPECT_EQ(cut.err, "");
  EXPECT_TRUE(fs::is_empty(Path("tmp")));
  const Finished device = Run({"predict", "model", "/dev/zero"});
  EXPECT_EQ(device.code, 2);
  EXPECT_NE(device.err.find("'/dev/zero' is a device"), std::string::npos) << device.err;
}

// In the file that the shell made, behind what is there already.
TEST_F(OutputFiles, StandardOutputByItsName) {
  WritePipeline("data.csv", "out.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const std::string html = Run({"report", "-o", "-"}).out;
  fs::create_symlink("/proc/self/fd/1", Path("standard"));
  ASSERT_EQ(Shell("echo first > all; $DML report -o standard >> all").code, 0);
  EXPECT_EQ(Read("all").substr(0, 6), "first\n");
  EXPECT_NE(Read("all").find("<html"), std::string::npos);
  EXPECT_TRUE(fs::is_symlink(Path("standard")));
}

TEST_F(OutputFiles, AResultThatDoesNotArriveIsAnError) {
  WritePipeline("data.csv", "out.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  for (const std::string& command :
       {std::string("status"), std::string("predict model data.csv"), std::string("--help"),
        std::string("schedule --help"), std::string("ls -o json")}) {
    const Finished full = Shell("$DML " + command + " > /dev/full");
    EXPECT_EQ(full.code, 3) << command;
    EXPECT_NE(full.err.find("cannot write standard output: No space left"), std::string::npos)
        << command << full.err;
    const Finished closed = Shell("$DML " + command + " >&-");
    EXPECT_EQ(closed.code, 3) << command;
    EXPECT_NE(closed.err.find("cannot write standard output"), std::string::npos) << closed.err;
  }
  EXPECT_EQ(Shell("$DML status | true").err, "") << "a reader that has seen enough is no error";
  EXPECT_EQ(Shell("$DML nonsense > /dev/full").code, 2) << "the worse error counts";
}

TEST_F(OutputFiles, InputsThatAreNoRegularFilesAreRefused) {
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  ExpectRefused("pipe", "out.csv", {"p.yaml:3:", "pipe' is not a regular file"});
  ExpectRefused("/dev/zero", "out.csv", {"p.yaml:3:", "'/dev/zero' is not a regular file"});
}

TEST_F(OutputFiles, HashingALargeInputEndsWhenTold) {
  WritePipeline("large.csv", "out.csv");
  Write("large.csv", "");
  fs::resize_file(Path("large.csv"), std::uintmax_t{1} << 40);  // a hole: minutes to hash
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return HasOpen(run.pid(), "large.csv"); }, "it is being hashed");
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait().code, 143);
}

TEST_F(OutputFiles, PipelineTextIsReadFromRegularFilesAlone) {
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  Write("include.yaml", "name: n\ninclude: [/dev/zero]\nsteps: []\n");
  Write("value.yaml",
        "name: n\nparams: {x: '${file:/dev/zero}'}\nsteps:\n  - {id: a, run: 'echo "
        "${params.x}'}\n");
  for (const char* file : {"pipe", "/dev/zero", "include.yaml", "value.yaml"}) {
    for (const char* command : {"validate", "run"}) {
      const Finished refused = Run({command, file});
      EXPECT_EQ(refused.code, 2) << command << file;
      EXPECT_NE(refused.err.find("is not a regular file"), std::string::npos) << refused.err;
    }
  }
  Write("big.yaml", "");
  fs::resize_file(Path("big.yaml"), std::uintmax_t{1} << 40);
  const Finished big = Run({"validate", "big.yaml"});
  EXPECT_EQ(big.code, 2);
  EXPECT_NE(big.err.find("'big.yaml' is larger than 8 MiB"), std::string::npos) << big.err;
}

TEST_F(OutputFiles, NothingScheduledIsAnEmptyDocument) {
  EXPECT_EQ(RunJson({"schedule", "ls"}), (Json{{"schedules", Json::array()}, {"daemon", false}}));
  EXPECT_EQ(RunJson({"schedule", "history"}), (Json{{"slots", Json::array()}}));
  EXPECT_FALSE(Exists(".dml")) << "asking makes no home";
}

}  // namespace
}  // namespace dml::e2e
