// The store of results from outside: reasons, damage, garbage.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"
#include "tests/sanitized.h"

namespace dml::e2e {
namespace {

class Cache : public EndToEnd {
 protected:
  void WritePipeline(const std::string& alpha = "1") {
    Write("p.yaml",
          "name: n\nsteps:\n"
          "  - id: raw\n    uses: load.csv\n    with: {path: data/rows.csv}\n"
          "  - id: model\n    uses: train.ridge\n    input: raw\n"
          "    with: {target: y, alpha: " +
              alpha + "}\n");
  }
  void WriteRows(int rows) {
    std::string text = "x,y\n";
    for (int i = 0; i < rows; ++i) {
      text += std::to_string(i) + "," + std::to_string(2 * i + i % 3) + "\n";
    }
    Write("data/rows.csv", text);
  }
  [[nodiscard]] std::map<std::string, std::string> Plan() const {
    std::map<std::string, std::string> plan;
    const Json document = RunJson({"plan", "p.yaml"});
    for (const Json& task : document["tasks"]) {
      plan[task["name"]] =
          task["decision"].get<std::string>() + ": " + task["reason"].get<std::string>();
    }
    return plan;
  }
  [[nodiscard]] std::string Why(const std::string& task) const {
    return RunJson({"explain", task})["reason"];
  }
  // Three commands in a row; `middle` tells good and bad files apart.
  void WriteChain() {
    Write("chain.yaml",
          "name: c\nsteps:\n"
          "  - id: first\n    run: 'echo good > f'\n    outputs: {f: f}\n"
          "  - id: middle\n    input: {f: first.f}\n    inputs: {f: in}\n"
          "    outputs: {g: g}\n    run: '(echo read; cat in) > g'\n"
          "  - id: last\n    input: {g: middle.g}\n    inputs: {g: in}\n"
          "    outputs: {h: h}\n    run: 'cat in > h'\n");
  }
  // Overwrites the blob of "good\n" in place.
  void Spoil(const std::string& store, bool seen = true) const {
    for (const std::string& name : BlobsOf(Path(store))) {
      const std::string blob = store + "/store/blobs/" + name.substr(0, 2) + "/" + name;
      if (Read(blob) != "good\n") continue;
      const auto time = std::filesystem::last_write_time(Path(blob));
      ::chmod(Path(blob).c_str(), 0644);
      Write(blob, "evil\n");
      if (!seen) std::filesystem::last_write_time(Path(blob), time);
    }
  }
  // As a disk does that forgets: nothing tells but the content.
  void SpoilUnseen(const std::string& store) const { Spoil(store, false); }
  // Whether a file of the store holds `text`.
  [[nodiscard]] bool Stores(const std::string& text) const {
    return std::ranges::any_of(BlobsOf(Path(".dml")), [&](const std::string& name) {
      return Read(".dml/store/blobs/" + name.substr(0, 2) + "/" + name) == text;
    });
  }
  // The file of a task's only output in the store.
  [[nodiscard]] std::string BlobOf(const std::string& task) const {
    const Json document = RunJson({"cache", "ls"});
    for (const Json& row : document["results"]) {
      if (row["task"] == task) return row["key"];
    }
    return {};
  }
};

// The run itself still goes on with what it has done.
TEST_F(Cache, WhatARunWithoutItMakesIsNotForReuse) {
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: a, run: 'echo x >> " + Path("trace") +
            "; echo 1 > o', outputs: {o: o}}\n  - {id: b, run: 'cat o', input: {o: a.o}}\n");
  const StartOptions crash{.env = {"DML_CRASH_AT=result.persisted"}};
  EXPECT_EQ(Run({"run", "--no-cache", "p.yaml"}, crash).code, 128 + SIGKILL);
  EXPECT_EQ(Run({"resume"}).code, 0);
  EXPECT_EQ(Read("trace"), "x\n") << "what was finished is not repeated";
  EXPECT_EQ(RunJson({"cache", "ls"})["total"], 0);
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Read("trace"), "x\nx\n");
  EXPECT_EQ(RunJson({"cache", "ls"})["total"], 2);
}

TEST_F(Cache, ReasonsNameTheFieldThatChanged) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Plan().at("model"), "reuse: unchanged");
  WritePipeline("0.5");
  EXPECT_EQ(Plan().at("raw"), "reuse: unchanged");
  EXPECT_NE(Plan().at("model").find("run: params.alpha 1"), std::string::npos) << Plan()["model"];
  EXPECT_NE(Plan().at("model").find("-> 0.5"), std::string::npos) << Plan()["model"];
  WritePipeline();
  WriteRows(33);
  EXPECT_EQ(Plan().at("raw"), "run: file data/rows.csv changed");
  EXPECT_EQ(Plan().at("model"), "maybe: waits for raw");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Why("raw"), "file data/rows.csv changed");
  EXPECT_EQ(Why("model"), "input raw: file data/rows.csv changed, 3 rows added");
  const Finished why = Run({"cache", "why", "model"});
  EXPECT_NE(why.out.find("3 rows added"), std::string::npos) << why.out;
  WriteRows(30);
  EXPECT_EQ(Plan().at("model"), "reuse: unchanged") << "the earlier result still stands";
}

TEST_F(Cache, ReasonsNameACodeFileOnce) {
  Write("code.yaml",
        "name: c\nsteps:\n  - id: feat\n    run: 'echo x > f'\n"
        "    code: [src/feat.py]\n    outputs: {f: f}\n");
  Write("src/feat.py", "1");
  ASSERT_EQ(Run({"run", "code.yaml"}).code, 0);
  Write("src/feat.py", "2");
  ASSERT_EQ(Run({"run", "code.yaml"}).code, 0);
  EXPECT_EQ(Why("feat"), "file src/feat.py changed");
}

// The command calls its code by name, and its order in the list means nothing.
TEST_F(Cache, ReasonsNameCodeThatCameOrWent) {
  const auto write = [&](const std::string& code) {
    Write("code.yaml",
          "name: c\nsteps:\n  - id: feat\n    run: 'echo x > f'\n    outputs: {f: f}\n" + code);
  };
  Write("lib/a.py", "1");
  Write("b/a.py", "2");
  write("    code: ['lib/*.py', b/a.py]\n");
  ASSERT_EQ(Run({"run", "code.yaml"}).code, 0);
  write("    code: [b/a.py, 'lib/*.py']\n");
  EXPECT_EQ(RunJson({"plan", "code.yaml"})["tasks"][0]["reason"], "unchanged");
  const auto why = [&] { return RunJson({"plan", "code.yaml"})["tasks"][0]["reason"]; };
  Write("b/a.py", "3");
  EXPECT_EQ(why(), "file b/a.py changed") << "though another has the same base name";
  Write("b/a.py", "2");
  std::filesystem::rename(Path("lib/a.py"), Path("lib/b.py"));
  EXPECT_EQ(why(), "file lib/a.py removed from code; file lib/b.py added to code");
  write("");
  EXPECT_EQ(why(), "file b/a.py removed from code; file lib/a.py removed from code");
}

TEST_F(Cache, ReasonsNameTheFileOfAPatternAndAnotherPath) {
  const auto write = [&](const std::string& path) {
    Write("p.yaml",
          "name: n\nparams: {d: v1}\nsteps:\n  - id: raw\n    uses: load.csv\n"
          "    with: {path: \"" +
              path + "\"}\n");
  };
  Write("v1/d1.csv", "x\n1\n");
  Write("v1/d2.csv", "x\n2\n");
  Write("v2/d1.csv", "x\n3\n");
  write("${params.d}/d*.csv");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const auto why = [&](const std::vector<std::string>& more = {}) {
    std::vector<std::string> args{"plan", "p.yaml"};
    args.insert(args.end(), more.begin(), more.end());
    return RunJson(args)["tasks"][0]["reason"];
  };
  Write("v1/d2.csv", "x\n22\n");
  EXPECT_EQ(why(), "file v1/d2.csv changed");
  Write("v1/d2.csv", "x\n2\n");
  Write("v1/d3.csv", "x\n2\n");
  EXPECT_EQ(why(), "file v1/d3.csv added");
  std::filesystem::remove(Path("v1/d3.csv"));
  EXPECT_EQ(why(), "unchanged");
  std::filesystem::remove(Path("v1/d2.csv"));
  EXPECT_EQ(why(), "file v1/d2.csv removed");
  Write("v1/d2.csv", "x\n2\n");
  EXPECT_EQ(why({"-S", "d=v2"}), "params.path \"v1/d*.csv\" -> \"v2/d*.csv\"");
}

// A folder of one file, or of none, is a folder; also the second time, from the store.
TEST_F(Cache, FoldersAndFilesKeepTheirShape) {
  const auto pipeline = [&](const std::string& look) {
    Write(
        "shape.yaml",
        "name: s\nsteps:\n"
        "  - {id: one, run: 'mkdir out; echo 1 > out/part-0.csv', outputs: {o: out}}\n"
        "  - {id: deep, run: 'mkdir -p out/x/y; echo 1 > out/x/y/part-0.csv', outputs: {o: out}}\n"
        "  - {id: none, run: 'mkdir out', outputs: {o: out}}\n"
        "  - {id: file, run: 'echo 1 > part-0.csv', outputs: {o: part-0.csv}}\n"
        "  - id: look\n    input: {one: one.o, deep: deep.o, none: none.o, file: file.o}\n"
        "    run: '" +
            look +
            "; find -L one deep none file | sort'\n"
            "  - id: both\n    input: {many: [one.o, file.o]}\n"
            "    run: 'find -L many | sort'\n");
  };
  const std::string expected =
      "deep\ndeep/x\ndeep/x/y\ndeep/x/y/part-0.csv\nfile\nnone\none\none/part-0.csv\n";
  for (const std::string look : {"true", "test -f file"}) {
    pipeline(look);
    const Finished run = Run({"run", "shape.yaml"});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(Run({"logs", "look"}).out, expected);
    EXPECT_EQ(Run({"logs", "both"}).out.substr(0, 32), "many\nmany/0\nmany/0/part-0.csv\nma");
  }
}

// As root a command can write to the store through the link that it gets; others may, too, who
// give themselves the right. What read it is not kept, and the file is made again.
TEST_F(Cache, AStepThatChangesItsInputFailsAndTheInputIsMadeAgain) {
  Write(
      "p.yaml",
      "name: n\nsteps:\n"
      "  - {id: a, run: 'echo good > o', outputs: {o: o}}\n"
      "  - id: b\n    input: {a: a.o}\n    outputs: {o: o}\n"
      "    run: 'chmod u+w $(readlink a); echo BAD >> a; cat a > o'\n"
      "  - {id: c, needs: b, if: always(), input: {a: a.o}, outputs: {o: o}, run: 'cat a > o'}\n");
  const Finished run = Run({"run", "p.yaml", "-k"});
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_NE(run.err.find("the input 'a' was changed while the task ran"), std::string::npos)
      << run.err;
  EXPECT_EQ(States()["b"], "failed");
  EXPECT_FALSE(Stores("good\nBAD\n"));
  const Finished again = Run({"run", "p.yaml", "-k", "--until", "c"});
  EXPECT_EQ(States()["c"] == "succeeded" || States()["c"] == "reused", true) << again.err;
  EXPECT_TRUE(Stores("good\n"));
  EXPECT_FALSE(Stores("good\nBAD\n"));
}

// Of the same size, done after the file was found good, and seen by a task that begins later.
TEST_F(Cache, WhoeverReadsADamagedInputGetsAnother) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  std::string chain = Read("chain.yaml");
  chain.replace(chain.find("echo read"), 9, "echo seen");
  chain.insert(chain.find("    input: {f: first.f}"), "    needs: gate\n");
  Write("chain.yaml", chain + "  - {id: gate, needs: first, cache: false, run: 'touch " +
                          Path("begun") + "; until test -e " + Path("go") +
                          "; do sleep 0.05; done'}\n");
  Program started = Start({"run", "chain.yaml"});
  WaitUntil([&] { return Exists("begun"); }, "first has been reused");
  Spoil(".dml");
  Write("go", "");
  const Finished run = started.Wait();
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("the input 'f' is damaged"), std::string::npos) << run.err;
  EXPECT_TRUE(Stores("seen\ngood\n"));
  EXPECT_FALSE(Stores("seen\nevil\n"));
}

// Nobody reads it, and it is not called good for that.
TEST_F(Cache, ADamagedResultIsNotReused) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml", "--until", "first"}).code, 0);
  Spoil(".dml");
  const Json plan = RunJson({"plan", "chain.yaml", "--until", "first"});
  EXPECT_EQ(plan["tasks"][0]["reason"], "its outputs in the store are damaged");
  ASSERT_EQ(Run({"run", "chain.yaml", "--until", "first"}).code, 0);
  EXPECT_EQ(States().at("first"), "succeeded");
  EXPECT_TRUE(Stores("good\n"));
  EXPECT_FALSE(Stores("evil\n"));
}

// Of the user's own files nothing is taken: neither through links nor by further names.
TEST_F(Cache, OutputsAreNeverSomebodyElsesFiles) {
  Write("mine/f", "mine\n");
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: a, run: 'ln -s " + Path("mine") + " o', outputs: {o: o}}\n");
  const Finished link = Run({"run", "p.yaml"});
  EXPECT_EQ(link.code, 1);
  EXPECT_NE(link.err.find("'o' is a symbolic link"), std::string::npos) << link.err;
  for (const std::string& make : {"ln -s " + Path("mine"), std::string("mkfifo")}) {
    const std::string script = "mkdir o; " + make + " o/p";
    Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: '" + script + "', outputs: {o: o}}\n");
    const Finished inside = Run({"run", "p.yaml"});
    EXPECT_EQ(inside.code, 1);
    EXPECT_NE(inside.err.find("the output 'o/p' is not a regular file"), std::string::npos)
        << inside.err;
  }
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: a, run: 'ln " + Path("mine/f") + " o', outputs: {o: o}}\n");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  struct stat info {};
  ASSERT_EQ(::stat(Path("mine/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_nlink, 1U);
  EXPECT_NE(info.st_mode & 0200U, 0U) << "still writable";
  Write("mine/f", "edited\n");
  EXPECT_TRUE(Stores("mine\n"));
}

// The newest run knows nothing of what it did not get to.
TEST_F(Cache, ReasonsReachBehindARunOfAPart) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_EQ(Run({"run", "p.yaml", "--until", "raw"}).code, 0);
  WritePipeline("0.5");
  EXPECT_NE(Plan().at("model").find("alpha"), std::string::npos) << Plan().at("model");
}

TEST_F(Cache, PlanExplainsEverythingThatChanged) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("p.yaml", Read("p.yaml") + "");
  std::string text = Read("p.yaml");
  text.replace(text.find("alpha: 1}"), 9, "alpha: 3, fit_intercept: false}");
  Write("p.yaml", text);
  const Finished plan = Run({"plan", "p.yaml", "--explain"});
  EXPECT_NE(plan.out.find("params.alpha"), std::string::npos) << plan.out;
  EXPECT_NE(plan.out.find("params.fit_intercept true -> false"), std::string::npos) << plan.out;
}

// Also once the run is over, when no plan can tell any more.
TEST_F(Cache, ExplainTellsEverythingThatHadChanged) {
  const auto pipeline = [](const char* v) {
    return fmt::format(
        "steps:\n  - id: a\n    run: 'true'\n    env: {{A: {0}, B: {0}, C: {0}, D: "
        "{0}, E: {0}}}\n",
        v);
  };
  Write("p.yaml", pipeline("x"));
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("p.yaml", pipeline("y"));
  EXPECT_NE(Run({"plan", "p.yaml"}).out.find("; and 2 more"), std::string::npos);
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const std::string why = Run({"explain", "a"}).out;
  for (const char* name : {"A", "B", "C", "D", "E"}) {
    EXPECT_NE(why.find(fmt::format("env.{} \"x\" -> \"y\"", name)), std::string::npos) << why;
  }
}

// Of a matrix, too: by their names, tasks of another value are others.
TEST_F(Cache, ReasonsTellHowAMatrixChanged) {
  const auto pipeline = [](const char* values) {
    return fmt::format(
        "steps:\n  - id: t\n    matrix: {{C: {}}}\n    run: 'echo ${{matrix.C}} > o'\n"
        "    outputs: {{o: o}}\n  - {{id: all, input: {{t: t}}, run: 'cat t/*'}}\n",
        values);
  };
  Write("p.yaml", pipeline("[0.1, 1]"));
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("p.yaml", pipeline("[0.1, 1, 10]"));
  EXPECT_EQ(Plan().at("t@C=10"), "run: new in the matrix: C=10");
  EXPECT_EQ(Plan().at("t@C=1"), "reuse: unchanged");
  Write("p.yaml", pipeline("[0.2, 1]"));
  const std::string told = "in place of t@C=0.1: run \"echo 0.1 > o\" -> \"echo 0.2 > o\"";
  EXPECT_EQ(Plan().at("t@C=0.2"), "run: " + told);
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Why("t@C=0.2"), told);
  EXPECT_EQ(Why("all"), "input t: t@C=0.2 added; input t: 1 of 2 removed");
}

// Mending a script while its step waits for the next attempt is an everyday act.
TEST_F(Cache, AnAttemptIsFiledUnderTheScriptThatItRan) {
  const std::string bad = "echo old; exit 1\n";
  Write("c.sh", bad);
  Write("p.yaml",
        "steps:\n  - id: a\n    run: 'sh c.sh > o'\n    code: c.sh\n    outputs: {o: o}\n"
        "    retry: {limit: 3, backoff: 1s}\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return run.ErrorSoFar().find("will be repeated") != std::string::npos; },
            "the first failure");
  Write("c.sh", "echo new\n");
  EXPECT_EQ(run.Wait().code, 0);
  Write("c.sh", bad);
  EXPECT_EQ(Run({"run", "p.yaml", "--until", "a"}).code, 1) << "reused what another script made";
}

#if !defined(DML_SANITIZED)  // they take more memory of their own than the step may have
// A task that was decided on, and waits for its turn while its file changes.
TEST_F(Cache, AFileThatChangesUnderWayIsReadAgain) {
  Write("d.csv", "x\n1\n");
  Write("p.yaml",
        "steps:\n  - {id: go, run: 'touch " + Path("begun") + "; until test -e " + Path("go") +
            "; do sleep 0.05; done', cache: false}\n"
            "  - {id: n, run: 'true', needs: go}\n  - {id: m, run: 'true', needs: n}\n"
            "  - {id: l, uses: load.csv, with: {path: d.csv}, resources: {memory: 64Mi}}\n"
            "  - {id: w, uses: write.csv, input: l, with: {path: out.csv}}\n");
  Program run = Start({"run", "p.yaml", "-j1"});
  WaitUntil([&] { return Exists("begun"); }, "the first step");
  Write("d.csv", "x\n2\n");
  Write("go", "");
  const Finished finished = run.Wait();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(Read("out.csv"), "x\n2\n");
  Write("d.csv", "x\n1\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Read("out.csv"), "x\n1\n");
}
#endif

// Half a file may look like a bad one: what comes of reading it is nobody's fault.
TEST_F(Cache, ATaskThatFailsOverAFileThatChangesIsDecidedAnew) {
  Write("d.txt", "bad");
  Write("p.yaml", "steps:\n  - id: a\n    code: d.txt\n    run: 'x=$(cat d.txt); touch " +
                      Path("begun") + "; until test -e " + Path("go") +
                      "; do sleep 0.05; done; test \"$x\" = good'\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("begun"); }, "the first attempt");
  Write("d.txt", "good");
  Write("go", "");
  const Finished finished = run.Wait();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.err.find("d.txt' changed while the task was under way, which ended with: "),
            std::string::npos)
      << finished.err;
  Write("d.txt", "bad");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 1) << "this one has read it whole";
}

// What is made again may have other bytes: whoever waits for it reads those.
TEST_F(Cache, AnInputThatIsMadeAgainIsReadAsItIsNow) {
  Write("p.yaml",
        "steps:\n  - {id: a, run: 'date +%N > o', outputs: {o: o}}\n"
        "  - {id: wait, needs: a, run: 'touch " +
            Path("begun") + "; until test -e " + Path("go") +
            "; do sleep 0.05; done'}\n"
            "  - {id: d, needs: wait, input: {a: a}, run: 'cat a'}\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("begun"); }, "the wait");
  std::filesystem::remove_all(Path(".dml/store/blobs"));
  Write("go", "");
  const Finished finished = run.Wait();
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST_F(Cache, VerifyFindsADamagedFileAndTheNextRunMakesOnlyThatAgain) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const Finished good = Run({"cache", "verify"});
  EXPECT_EQ(good.code, 0) << good.out;
  const auto blobs = BlobsOf(Path(".dml"));
  ASSERT_FALSE(BlobOf("model").empty());
  // The largest file is the table or the model; flip a bit without changing the size.
  const std::string name = *blobs.begin();
  const std::string path = Path(".dml/store/blobs/" + name.substr(0, 2) + "/" + name);
  ::chmod(path.c_str(), 0644);
  std::string bytes = Read(".dml/store/blobs/" + name.substr(0, 2) + "/" + name);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  Write(".dml/store/blobs/" + name.substr(0, 2) + "/" + name, bytes);
  const Json report = Json::parse(Run({"cache", "verify", "-o", "json"}).out);
  ASSERT_EQ(report["damaged"].size(), 1U);
  ASSERT_EQ(report["damaged"][0]["tasks"].size(), 1U);
  const std::string task = report["damaged"][0]["tasks"][0];
  EXPECT_EQ(Run({"cache", "verify"}).code, 0) << "it was removed";
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  for (const auto& [ran, state] : States()) {
    EXPECT_EQ(state, ran == task ? "succeeded" : "reused") << ran;
  }
  EXPECT_EQ(BlobsOf(Path(".dml")), blobs) << "the same bits again";
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

// What was made from bytes that were not what they were taken for is filed under a key that
// promises something else: reused, it would stay wrong for ever.
TEST_F(Cache, VerifyDropsWhatWasMadeFromADamagedFile) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml", "--until", "first"}).code, 0);
  SpoilUnseen(".dml");
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  ASSERT_TRUE(Stores("read\nevil\n")) << "nobody reads a file again to be sure";
  const Finished verify = Run({"cache", "verify"});
  EXPECT_EQ(verify.code, 3) << verify.err;
  EXPECT_NE(verify.out.find("dropped: middle: made at "), std::string::npos) << verify.out;
  EXPECT_EQ(verify.out.find("dropped: last"), std::string::npos)
      << "right for what it was made from, and filed under that: " << verify.out;
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  EXPECT_TRUE(Stores("read\ngood\n"));
  const auto states = States();
  EXPECT_EQ(states.at("middle"), "succeeded");
  EXPECT_EQ(states.at("last"), "succeeded");
  EXPECT_EQ(Run({"cache", "verify"}).code, 0);
}

TEST_F(Cache, WhatWasMadeBeforeTheDamageStays) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  Spoil(".dml");
  const Json report = Json::parse(Run({"cache", "verify", "-o", "json"}).out);
  EXPECT_EQ(report["damaged"].size(), 1U);
  EXPECT_EQ(report["dropped"], Json::array());
}

// A disk that goes wrong by itself leaves the time of the file as it is: nobody knows since when.
TEST_F(Cache, WhatWentWrongWithoutAWriteTakesAllThatWasMadeOfIt) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  std::map<std::string, std::filesystem::file_time_type> times;
  const auto path = [&](const std::string& name) {
    return Path(".dml/store/blobs/" + name.substr(0, 2) + "/" + name);
  };
  for (const std::string& name : BlobsOf(Path(".dml"))) {
    times[name] = std::filesystem::last_write_time(path(name));
  }
  Spoil(".dml");
  for (const auto& [name, time] : times) std::filesystem::last_write_time(path(name), time);
  const Json report = Json::parse(Run({"cache", "verify", "-o", "json"}).out);
  ASSERT_EQ(report["dropped"].size(), 1U) << report;
  EXPECT_EQ(report["dropped"][0]["task"], "middle");
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  EXPECT_EQ(States().at("last"), "reused") << "what it read came out the same again";
}

TEST_F(Cache, VerifyLeavesADamagedFileToTheRunThatMayReadIt) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml", "--until", "first"}).code, 0);
  Spoil(".dml");
  Write("wait.yaml", "name: w\nsteps:\n  - id: w\n    run: 'touch " + Path("started") +
                         "; while ! test -e " + Path("go") + "; do sleep 0.05; done'\n");
  Program run = Start({"run", "wait.yaml"});
  WaitUntil([&] { return Exists("started"); }, "the run is under way");
  const Finished busy = Run({"cache", "verify"});
  EXPECT_EQ(busy.code, 4) << busy.out;
  Write("go", "");
  EXPECT_EQ(run.Wait().code, 0);
  EXPECT_EQ(Run({"cache", "verify"}).code, 3) << "it is still there to be found";
}

TEST_F(Cache, VerifyNamesResultsWhoseFilesAreGone) {
  WriteChain();
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  for (const std::string& name : BlobsOf(Path(".dml"))) {
    ::unlink(Path(".dml/store/blobs/" + name.substr(0, 2) + "/" + name).c_str());
  }
  const Finished verify = Run({"cache", "verify"});
  EXPECT_EQ(verify.code, 0) << "nobody can read what is not there: " << verify.out;
  EXPECT_NE(verify.out.find("missing: 1 of 1 file of middle"), std::string::npos) << verify.out;
  EXPECT_NE(verify.out.find("0 files, 0 B: 3 results lack files"), std::string::npos) << verify.out;
  EXPECT_EQ(RunJson({"cache", "verify"})["incomplete"].size(), 3U);
  ASSERT_EQ(Run({"run", "chain.yaml"}).code, 0);
  EXPECT_EQ(RunJson({"cache", "verify"})["incomplete"], Json::array());
}

TEST_F(Cache, PredictSaysThatTheModelIsGone) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  for (const std::string& name : BlobsOf(Path(".dml"))) {
    ::unlink(Path(".dml/store/blobs/" + name.substr(0, 2) + "/" + name).c_str());
  }
  const Finished gone = Run({"predict", "model", "data/rows.csv"});
  EXPECT_EQ(gone.code, 3) << gone.err;
  EXPECT_NE(gone.err.find("the model of 'model' is gone from the store"), std::string::npos)
      << gone.err;
  EXPECT_NE(gone.err.find("`dml run` makes it again"), std::string::npos) << gone.err;
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"predict", "model", "data/rows.csv"}).code, 0);
}

TEST_F(Cache, GarbageGoesAndWhatIsNeededStays) {
  WriteRows(30);
  WritePipeline();
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  const auto first = BlobsOf(Path(".dml"));
  WritePipeline("2");
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_GT(BlobsOf(Path(".dml")).size(), first.size());
  const Json dry = RunJson({"cache", "gc", "--keep-runs", "1", "--dry-run"});
  EXPECT_EQ(dry["results"], 1) << "the model with the other alpha";
  EXPECT_GT(BlobsOf(Path(".dml")).size(), first.size()) << "only counted";
  EXPECT_EQ(RunJson({"cache", "gc", "--keep-runs", "1"})["results"], 1);
  ASSERT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(States().at("model"), "reused");
  EXPECT_EQ(RunJson({"cache", "gc", "--keep-runs", "1"})["files"], 0);
}

// However many runs came after it, what a stopped run has done is there when it goes on.
// Two projects, one cache: what one has made the other reuses, and neither throws away what the
// other has.
TEST_F(Cache, ProjectsShareResults) {
  WriteRows(30);
  WritePipeline();
  StartOptions shared;
  shared.env = {"DML_CACHE=" + Path("cache")};
  ASSERT_EQ(Run({"run", "p.yaml", "--home", "one"}, shared).code, 0);
  const Finished two = Run({"run", "p.yaml", "--home", "two"}, shared);
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_NE(two.err.find("all results were reused"), std::string::npos) << two.err;
  const Finished gc = Run({"cache", "gc", "--keep-runs", "0", "--home", "one"});
  EXPECT_EQ(gc.code, 0) << gc.err;
  const Finished again = Run({"run", "p.yaml", "--home", "two"});
  EXPECT_NE(again.err.find("all results were reused"), std::string::npos)
      << "the link stays without the variable: " << again.err;
  const Finished refused = Run({"run", "p.yaml"});
  EXPECT_EQ(refused.code, 0) << refused.err;
  const Finished own = Run({"run", "p.yaml"}, shared);
  EXPECT_EQ(own.code, 2) << own.err;
  EXPECT_NE(own.err.find("has results of its own"), std::string::npos) << own.err;
}

// All of them read the file, none must keep what it made of it.
TEST_F(Cache, VerifyDropsWhatOtherHomesMadeFromADamagedFile) {
  WriteChain();
  StartOptions shared;
  shared.env = {"DML_CACHE=" + Path("cache")};
  ASSERT_EQ(Run({"run", "chain.yaml", "--until", "first", "--home", "one"}, shared).code, 0);
  SpoilUnseen("one");
  ASSERT_EQ(Run({"run", "chain.yaml", "--home", "one"}, shared).code, 0);
  ASSERT_EQ(Run({"run", "chain.yaml", "--home", "two"}, shared).code, 0);
  const Finished verify = Run({"cache", "verify", "--home", "one"});
  EXPECT_EQ(verify.code, 3) << verify.err;
  EXPECT_NE(verify.out.find("dropped: middle of " + Path("two")), std::string::npos) << verify.out;
  for (const char* home : {"two", "one"}) {
    ASSERT_EQ(Run({"run", "chain.yaml", "--home", home}, shared).code, 0);
    EXPECT_EQ(RunJson({"status", "--home", home})["tasks"][1]["state"],
              std::string(home) == "two" ? "succeeded" : "reused");
  }
  const Finished again = Run({"run", "chain.yaml", "--home", "three"}, shared);
  EXPECT_NE(again.err.find("all results were reused"), std::string::npos) << again.err;
}

// The index tells all homes of what one of them has.
TEST_F(Cache, GarbageOfOneHomeIsWhatAThirdFindsAtAnother) {
  WriteChain();
  StartOptions shared;
  shared.env = {"DML_CACHE=" + Path("cache")};
  for (const char* home : {"one", "two"}) {
    ASSERT_EQ(Run({"run", "chain.yaml", "--home", home}, shared).code, 0);
  }
  ASSERT_EQ(Run({"cache", "gc", "--keep-runs", "0", "--home", "two"}).code, 0);
  for (const char* home : {"two", "three"}) {
    const Finished run = Run({"run", "chain.yaml", "--home", home}, shared);
    EXPECT_NE(run.err.find("all results were reused"), std::string::npos) << home << run.err;
  }
}

}  // namespace
}  // namespace dml::e2e
