// Files that only one node has (`at: NODE`), by the whole program on real servers.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

constexpr int kRows = 4000;

// Two clouds of points; with `more`, another one.
std::string Points(int more = 0) {
  std::string text = "x,y,kind\n";
  for (int i = 0; i < kRows + more; ++i) {
    const int kind = i % 2;
    text += fmt::format("{},{},{}\n", (i * 37 % 101) + 40 * kind, (i * 53 % 97) - 30 * kind,
                        kind == 0 ? "low" : "high");
  }
  return text;
}

// An array of so many numbers, as NumPy writes it; all of them are the same.
std::string Array(std::size_t count, char number) {
  std::string head =
      fmt::format("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}", count);
  head.resize(128 - 10 - 1, ' ');
  head += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(head.size()) + '\0' + head +
         std::string(count, number);
}

// Bytes with those dimensions, in the format of MNIST.
std::string Idx(const std::vector<int>& dims, const std::string& bytes) {
  std::string idx("\0\0\x08", 3);
  idx += static_cast<char>(dims.size());
  for (const int dim : dims) idx += std::string(3, '\0') + static_cast<char>(dim);
  return idx + bytes;
}

class NodeFilesTest : public ProgramFixture {
 protected:
  NodeFilesTest() : ProgramFixture(std::vector<ServerOptions>(3)) { SetUpCluster(); }

  // A file in the home folder of a node, "n2" being the second.
  void WriteThere(const std::string& name, const std::string& text, std::size_t server = 1) {
    Server& there = servers_.server(server);
    const fs::path path = there.FromHere(there.home() + "/" + name);
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // A pipeline that loads such points and learns to tell them apart.
  [[nodiscard]] std::string WritePipeline(const std::string& name, const std::string& with) const {
    return Write(name, fmt::format(R"(name: points
params: {{node: n2}}
steps:
  - {{id: raw, uses: load.csv, with: {{{}, partitions: 4}}}}
  - id: model
    uses: train.logistic_regression
    input: raw
    with: {{target: kind, preprocess: [standardize: {{columns: numeric}}]}}
)",
                                   with));
  }
  Output Run(const std::string& pipeline, const std::string& home = "h") {
    return Dml({"run", pipeline, "--cluster", inventory_, "--home", servers_.Path(home)});
  }
  // The same, going on.
  pid_t Start(const std::string& pipeline) {
    const std::string home = servers_.Path("h");
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl(kDml, kDml, "run", pipeline.c_str(), "--cluster", inventory_.c_str(), "--home",
              home.c_str(), "-q", nullptr);
      ::_exit(127);
    }
    return child;
  }
  static int EndOf(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  Json Explain(const std::string& task, const std::string& home = "h") {
    return Json::parse(Dml({"explain", task, "-o", "json", "--home", servers_.Path(home)}).out);
  }
  // Of the newest run: task -> state.
  std::map<std::string, std::string> States(const std::string& home = "h") {
    std::map<std::string, std::string> states;
    for (const char* task : {"raw", "model"}) states[task] = Explain(task, home).at("state");
    return states;
  }
  // Whether a content is in a cache of blobs.
  static bool Holds(const std::string& folder, const Digest& digest) {
    const std::string hex = digest.Hex();
    return fs::exists(folder + "/" + hex.substr(0, 2) + "/" + hex.substr(2));
  }
};

using States = std::map<std::string, std::string>;
const States kMade{{"raw", "succeeded"}, {"model", "succeeded"}};
const States kReused{{"raw", "reused"}, {"model", "reused"}};

TEST_F(NodeFilesTest, AreReadWhereTheyAreAndGiveTheSameModel) {
  WriteThere("data/points.csv", Points());
  const std::string there = WritePipeline("there.yaml", "path: data/points.csv, at: n2");
  const Output first = Run(there);
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_EQ(States(), kMade);
  const Json raw = Explain("raw");
  EXPECT_EQ(raw.at("attempts").at(0).at("where").get<std::string>().substr(0, 23),
            "on n2: it has the files")
      << raw.dump(2);
  const Digest content = Sha256::Of(Points());
  EXPECT_FALSE(Holds(servers_.Path("h") + "/store/blobs", content));
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server& server = servers_.server(i);
    EXPECT_FALSE(Holds(server.FromHere(server.root()) + "/blobs", content)) << server.name();
  }

  // The same bits as of a file that is here.
  Write("here/points.csv", Points());
  const std::string here = WritePipeline("here.yaml", "path: here/points.csv");
  const Output local = Dml({"run", here, "--home", servers_.Path("local")});
  ASSERT_EQ(local.code, 0) << local.out << local.err;
  EXPECT_EQ(BlobsOf(servers_.Path("h")), BlobsOf(servers_.Path("local")));
  EXPECT_FALSE(BlobsOf(servers_.Path("h")).empty());

  // Nothing is done twice: not on the same node, not on another, not here.
  const Output second = Run(there);
  ASSERT_EQ(second.code, 0) << second.out << second.err;
  EXPECT_EQ(States(), kReused);
  WriteThere("elsewhere.csv", Points(), 2);
  const Output moved = Run(WritePipeline("there.yaml", "path: elsewhere.csv, at: n3"));
  ASSERT_EQ(moved.code, 0) << moved.out << moved.err;
  EXPECT_EQ(States(), kReused);
  const Output home = Dml({"run", here, "--home", servers_.Path("h")});
  ASSERT_EQ(home.code, 0) << home.out << home.err;
  EXPECT_EQ(States(), kReused);
}

TEST_F(NodeFilesTest, AreReadAgainWhenTheyChangeAndThatIsTheReason) {
  WriteThere("data/points.csv", Points());
  const std::string pipeline =
      WritePipeline("p.yaml", "path: data/points.csv, at: \"${params.node}\"");
  ASSERT_EQ(Run(pipeline).code, 0);
  WriteThere("data/points.csv", Points(100));
  const Output plan =
      Dml({"plan", pipeline, "--cluster", inventory_, "--home", servers_.Path("h")});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("the files of node n2 are looked at when the run starts"),
            std::string::npos)
      << plan.out;
  const Output again = Run(pipeline);
  ASSERT_EQ(again.code, 0) << again.out << again.err;
  EXPECT_EQ(States(), kMade);
  EXPECT_EQ(Explain("raw").at("reason"), "file n2:data/points.csv changed");
  EXPECT_EQ(Explain("model").at("reason"),
            "input raw: file n2:data/points.csv changed, 100 rows added");
}

TEST_F(NodeFilesTest, MayBeSeveral) {
  WriteThere("data/a.csv", "x,y\n1,2\n3,4\n");
  WriteThere("data/b.csv", "x,y\n5,6\n");
  Write("data/a.csv", "x,y\n1,2\n3,4\n");
  Write("data/b.csv", "x,y\n5,6\n");
  const auto pipeline = [&](const std::string& name, const std::string& at) {
    return Write(name, fmt::format(R"(steps:
  - {{id: glob, uses: load.csv, with: {{path: "data/*.csv"{0}}}}}
  - {{id: list, uses: load.csv, with: {{path: [data/b.csv, ./data/a.csv]{0}}}}}
)",
                                   at));
  };
  const Output there = Run(pipeline("there.yaml", ", at: n2"));
  ASSERT_EQ(there.code, 0) << there.out << there.err;
  const Output here = Dml({"run", pipeline("here.yaml", ""), "--home", servers_.Path("local")});
  ASSERT_EQ(here.code, 0) << here.out << here.err;
  EXPECT_EQ(BlobsOf(servers_.Path("h")), BlobsOf(servers_.Path("local")));
  WriteThere("data/c.csv", "x,y\n7,8\n");
  ASSERT_EQ(Run(pipeline("there.yaml", ", at: n2")).code, 0);
  EXPECT_EQ(Explain("glob").at("reason"), "file n2:data/c.csv added");
  EXPECT_EQ(Explain("list").at("state"), "reused");
}

// A part on each node, and other formats.
TEST_F(NodeFilesTest, MayBeAPartOnEachNode) {
  WriteThere("part.csv", "x\n1\n", 0);
  WriteThere("part.csv", "x\n2\n", 1);
  WriteThere("lines.jsonl", "{\"x\": 1}\n", 1);
  WriteThere("rows.svm", "1 1:0.5\n", 1);
  const Output run = Run(Write("p.yaml", R"(steps:
  - id: part
    uses: load.csv
    matrix: {node: [n1, n2]}
    with: {path: part.csv, at: "${matrix.node}"}
  - {id: lines, uses: load.jsonl, with: {path: lines.jsonl, at: n2}}
  - {id: rows, uses: load.svmlight, with: {path: rows.svm, at: n2}}
)"));
  ASSERT_EQ(run.code, 0) << run.out << run.err;
  for (const std::string node : {"n1", "n2"}) {
    const Json attempt = Explain("part@node=" + node).at("attempts").at(0);
    EXPECT_EQ(attempt.at("where").get<std::string>().substr(0, 6), "on " + node + ":");
  }
}

// Arrays, images with labels and databases are read there as here.
TEST_F(NodeFilesTest, MayBeOfEveryFormat) {
  const std::string database = servers_.Path("made.db");
  const auto made = RunProgram({"python3", "-c", R"(import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute('create table t (x integer, y text)')
database.executemany('insert into t values (?, ?)', [(i, str(i % 7)) for i in range(100)])
database.commit()
)",
                                database},
                               Duration::Seconds(60));
  ASSERT_TRUE(made.ok() && made->code == 0);
  const std::map<std::string, std::string> files{{"data/array.npy", Array(500, 3)},
                                                 {"data/images", Idx({2, 2, 3}, "abcdefghijkl")},
                                                 {"data/labels", Idx({2}, "\x05\x06")},
                                                 {"data/rows.db", ReadFile(database).value()}};
  for (const auto& [name, bytes] : files) {
    WriteThere(name, bytes);
    Write(name, bytes);
  }
  const auto pipeline = [&](const std::string& name, const std::string& at) {
    return Write(name, fmt::format(R"(steps:
  - {{id: array, uses: load.npy, with: {{path: data/array.npy{0}}}}}
  - {{id: images, uses: load.idx, with: {{images: data/images, labels: data/labels{0}}}}}
  - {{id: rows, uses: load.sqlite, with: {{path: data/rows.db, query: "select y, x from t"{0}}}}}
)",
                                   at));
  };
  const std::string there = pipeline("there.yaml", ", at: n2");
  const Output run = Run(there);
  ASSERT_EQ(run.code, 0) << run.out << run.err;
  for (const char* task : {"array", "images", "rows"}) {
    EXPECT_EQ(Explain(task).at("attempts").at(0).at("where").get<std::string>().substr(0, 23),
              "on n2: it has the files")
        << task;
  }
  const Output here = Dml({"run", pipeline("here.yaml", ""), "--home", servers_.Path("local")});
  ASSERT_EQ(here.code, 0) << here.out << here.err;
  EXPECT_EQ(BlobsOf(servers_.Path("h")), BlobsOf(servers_.Path("local")));
  WriteThere("data/labels", Idx({2}, "\x05\x07"));
  ASSERT_EQ(Run(there).code, 0);
  EXPECT_EQ(Explain("images").at("reason"), "file n2:data/labels changed");
  for (const char* task : {"array", "rows"}) EXPECT_EQ(Explain(task).at("state"), "reused");
}

// A look at a file that has not changed is a look at its times, however large it is: told by the
// bytes that the agent reads.
TEST_F(NodeFilesTest, AreHashedOnce) {
  constexpr std::size_t kBytes = 16 << 20;
  WriteThere("big.npy", Array(kBytes, 1));
  const Server& server = servers_.server(1);
  const auto read = [&] {
    std::ifstream counts(fmt::format("/proc/{}/io", server.agent()));
    std::string name;
    std::size_t bytes = 0;
    counts >> name >> bytes;
    EXPECT_EQ(name, "rchar:");
    return bytes;
  };
  // One that was written just now might change again within the same tick of its clock.
  struct stat info {};
  ASSERT_EQ(::stat(server.FromHere(server.home() + "/big.npy").c_str(), &info), 0);
  WaitUntil([&] { return SystemClock().Wall().us / 1'000'000 - info.st_ctim.tv_sec > 3; },
            "the file is no longer new");
  const std::string pipeline =
      Write("p.yaml", "steps: [{id: raw, uses: load.npy, with: {path: big.npy, at: n2}}]\n");
  std::size_t before = read();
  ASSERT_EQ(Run(pipeline).code, 0);
  EXPECT_GT(read() - before, kBytes) << "it is hashed";
  before = read();
  ASSERT_EQ(Run(pipeline).code, 0);
  EXPECT_EQ(Explain("raw").at("state"), "reused");
  EXPECT_LT(read() - before, kBytes / 4) << "it is not hashed again";
  WriteThere("big.npy", Array(kBytes, 2));
  before = read();
  ASSERT_EQ(Run(pipeline).code, 0);
  EXPECT_EQ(Explain("raw").at("state"), "succeeded");
  EXPECT_GT(read() - before, kBytes) << "it is another one";
}

// Nobody else has them: the task waits, says so, and goes on when the node is back.
TEST_F(NodeFilesTest, OfANodeThatIsAwayAreWaitedFor) {
  WriteThere("data/points.csv", Points());
  const std::string pipeline = WritePipeline("p.yaml", "path: data/points.csv, at: n2");
  servers_.server(1).Stop();
  const pid_t run = Start(pipeline);
  const auto explained = [&] { return Dml({"explain", "raw", "--home", servers_.Path("h")}).out; };
  WaitUntil([&] { return explained().find("waits: n2: not connected (") != std::string::npos; },
            "the reason why it waits");
  servers_.server(1).Start();
  EXPECT_EQ(EndOf(run), 0);
  EXPECT_EQ(States(), kMade);
}

// Between the look and the reading: what was made of another content is not kept under this key.
TEST_F(NodeFilesTest, ThatChangeBeforeTheyAreReadAreLookedAtAnew) {
  WriteThere("data/points.csv", Points());
  const std::string pipeline = WritePipeline("p.yaml", "path: data/points.csv, at: n2");
  ASSERT_EQ(Dml({"cluster", "drain", "n2", "-c", inventory_}).code, 0);
  const pid_t run = Start(pipeline);
  const auto explained = [&] { return Dml({"explain", "raw", "--home", servers_.Path("h")}).out; };
  WaitUntil(
      [&] {
        return explained().find(
                   "n1: the files that it reads are on n2; n2: drained; n3: the "
                   "files") != std::string::npos;
      },
      "the task waits for the node");
  WriteThere("data/points.csv", Points(100));
  ASSERT_EQ(Dml({"cluster", "undrain", "n2", "-c", inventory_}).code, 0);
  EXPECT_EQ(EndOf(run), 0);
  EXPECT_EQ(States(), kMade);
  const Json attempts = Explain("raw").at("attempts");
  ASSERT_EQ(attempts.size(), 2U) << attempts.dump(2);
  EXPECT_NE(attempts[0].at("reason").get<std::string>().find(
                "the file 'data/points.csv' of n2 changed while the task was under way"),
            std::string::npos)
      << attempts.dump(2);
  Write("here/points.csv", Points(100));
  const std::string here = WritePipeline("here.yaml", "path: here/points.csv");
  ASSERT_EQ(Dml({"run", here, "--home", servers_.Path("h")}).code, 0);
  EXPECT_EQ(States(), kReused) << "it stands for what is there now";
}

// The head dies when the node has loaded them: what was done is taken up, not done again.
TEST_F(NodeFilesTest, SurviveTheHead) {
  WriteThere("data/points.csv", Points());
  const std::string pipeline = WritePipeline("p.yaml", "path: data/points.csv, at: n2");
  ::setenv("DML_CRASH_AT", "cluster.ended", 1);
  EXPECT_NE(Run(pipeline).code, 0);
  ::unsetenv("DML_CRASH_AT");
  const Output resumed = Dml({"resume", "latest", "--home", servers_.Path("h")});
  ASSERT_EQ(resumed.code, 0) << resumed.out << resumed.err;
  EXPECT_EQ(States(), kMade);
  EXPECT_EQ(Explain("raw").at("attempts").size(), 1U) << Explain("raw").dump(2);
}

// What is wrong is said at its place, before anything runs or as soon as it is known.
TEST_F(NodeFilesTest, ThatCannotBeReadAreErrors) {
  fs::create_directories(servers_.server(1).FromHere(servers_.server(1).home() + "/folder"));
  const auto expect = [&](const std::string& with, const std::string& text,
                          const std::string& hint) {
    const Output run = Run(WritePipeline("p.yaml", with));
    EXPECT_EQ(run.code, 2) << run.out << run.err;
    EXPECT_NE(run.err.find(text), std::string::npos) << run.err;
    EXPECT_NE(run.err.find(hint), std::string::npos) << run.err;
    EXPECT_NE(run.err.find("p.yaml:4:"), std::string::npos) << run.err;
  };
  expect("path: absent.csv, at: n2", "on n2: there is no file", "start at the home folder there");
  expect("path: folder, at: n2", "is a folder, not a file", "*.csv");
  expect("path: \"*.csv\", at: n2", "on n2: no file matches '*.csv'", "home folder there");
  expect("path: x.csv, at: n22", "has no node 'n22'", "did you mean 'n2'");
  const std::string pipeline = WritePipeline("p.yaml", "path: x.csv, at: n2");
  const Output alone = Dml({"run", pipeline, "--home", servers_.Path("h")});
  EXPECT_EQ(alone.code, 2) << alone.err;
  EXPECT_NE(alone.err.find("'raw' reads files of node 'n2', and the run has no nodes"),
            std::string::npos)
      << alone.err;
  EXPECT_EQ(Dml({"validate", pipeline}).code, 0);
}

}  // namespace
}  // namespace dml::ssh
