#include <gtest/gtest.h>

#include "tests/e2e/program.h"

// Pipelines of commands: what the engine promises whatever the steps compute.

namespace dml::e2e {
namespace {

using Commands = EndToEnd;
using StateMap = std::map<std::string, std::string>;

TEST_F(Commands, RunInOrderAndAreReusedTheSecondTime) {
  Write("p.yaml",
        "name: chain\n"
        "steps:\n"
        "  - {id: a, run: 'echo a >> " +
            Path("trace") +
            "'}\n"
            "  - {id: b, run: 'echo b >> " +
            Path("trace") + "', needs: a}\n");
  const Finished first = Run({"run", "p.yaml"});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(Read("trace"), "a\nb\n");
  const Finished second = Run({"run", "p.yaml"});
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(Read("trace"), "a\nb\n") << "nothing ran twice";
  EXPECT_NE(second.err.find("reused (unchanged)"), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("up to date"), std::string::npos) << second.err;
}

// Whoever asks, from wherever: what was begun in one folder goes on in the same.
TEST_F(Commands, WithoutInputsAndOutputsRunBesideThePipeline) {
  Write("project/p.yaml",
        "name: n\nsteps:\n  - {id: a, run: 'echo a >> trace'}\n"
        "  - {id: b, run: [sh, -c, 'echo b >> trace; test -e go'], needs: a}\n");
  EXPECT_EQ(Run({"run", "project/p.yaml"}).code, 1);
  Write("project/go", "");
  EXPECT_EQ(Run({"retry", "latest"}).code, 0);
  EXPECT_EQ(Read("project/trace"), "a\nb\nb\n");
  EXPECT_FALSE(Exists("trace"));
}

TEST_F(Commands, ForceRunsEverythingAgain) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'echo a >> " + Path("trace") + "'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"run", "p.yaml", "-f"}).code, 0);
  EXPECT_EQ(Read("trace"), "a\na\n");
}

// As beside the pipeline: by its relative name, executable, and not to be spoilt by the command.
TEST_F(Commands, CodeIsFoundInThePrivateFolder) {
  Write("tools/count.sh", "#!/bin/sh\n. tools/lib.sh\nsay > out.txt\necho gone > tools/lib.sh\n");
  Write("tools/lib.sh", "say() { echo counted; }\n");
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - id: count\n"
        "    run: [./tools/count.sh]\n"
        "    code: tools/*.sh\n"
        "    outputs: {out: out.txt}\n"
        "  - {id: show, run: 'cat count', input: {count: count.out}}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Run({"logs", "show"}).out, "counted\n");
  EXPECT_EQ(Read("tools/lib.sh"), "say() { echo counted; }\n");
}

TEST_F(Commands, AFailureEndsTheRunAndShowsTheLog) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: bad, run: 'echo the reason; exit 7'}\n"
        "  - {id: after, run: 'true', needs: bad}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("exit code 7"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("| the reason"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("dml logs bad --run r1"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("continues where this run stopped"), std::string::npos) << run.err;
  EXPECT_EQ(States(), (StateMap{{"bad", "failed"}, {"after", "skipped"}}));
  EXPECT_EQ(Run({"logs", "bad"}).out, "the reason\n");
}

TEST_F(Commands, WhatCleansUpRunsAfterAFailure) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: bad, run: 'exit 1'}\n"
        "  - {id: tell, run: 'echo told', needs: bad, if: 'failure()'}\n"
        "  - {id: clean, run: 'echo cleaned', needs: bad, if: 'always()'}\n"
        "  - {id: unless, run: 'true', needs: bad, if: 'success()'}\n"
        "  - {id: after, run: 'true', needs: bad}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 1);
  EXPECT_EQ(States(), (StateMap{{"bad", "failed"},
                                {"tell", "succeeded"},
                                {"clean", "succeeded"},
                                {"unless", "skipped"},
                                {"after", "skipped"}}));
}

TEST_F(Commands, KeepGoingRunsWhatDoesNotDependOnTheFailure) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: bad, run: 'exit 1'}\n"
        "  - {id: later, run: 'true', needs: ok}\n"
        "  - {id: ok, run: 'sleep 0.2'}\n");
  EXPECT_EQ(Run({"run", "p.yaml", "-k", "-j1"}).code, 1);
  EXPECT_EQ(States(), (StateMap{{"bad", "failed"}, {"later", "succeeded"}, {"ok", "succeeded"}}));
}

TEST_F(Commands, ARetryCanSucceed) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: flaky\n    retry: {limit: 3, backoff: 10ms}\n"
        "    run: 'echo x >> " +
            Path("tries") + "; test $(wc -l < " + Path("tries") + ") -ge 3'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Read("tries"), "x\nx\nx\n");
  EXPECT_NE(run.err.find("attempt 2 failed and will be repeated"), std::string::npos) << run.err;
}

TEST_F(Commands, ATimeoutKillsTheWholeProcessGroup) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: slow\n    timeout: 200ms\n"
        "    run: 'sh -c \"echo $$ > " +
            Path("pid") + "; sleep 600\"'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_NE(run.err.find("time"), std::string::npos) << run.err;
  const std::string pid = Read("pid").substr(0, Read("pid").find('\n'));
  WaitUntil([&] { return !Exists("/../../proc/" + pid) || pid.empty(); }, "the process is gone");
}

TEST_F(Commands, AFalseConditionSkips) {
  Write("p.yaml",
        "name: n\nparams: {deploy: false}\nsteps:\n"
        "  - {id: a, run: 'true'}\n"
        "  - {id: b, run: 'echo b', needs: a, if: '${params.deploy}'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(States(), (StateMap{{"a", "succeeded"}, {"b", "skipped"}}));
  EXPECT_EQ(Run({"run", "p.yaml", "-S", "deploy=true"}).code, 0);
  EXPECT_EQ(States(), (StateMap{{"a", "reused"}, {"b", "succeeded"}}));
}

TEST_F(Commands, AMatrixMakesATaskForEachCombination) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: m\n    matrix: {x: [1, 2], y: [a, b]}\n"
        "    run: 'echo ${matrix.x}${matrix.y}'\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(States().size(), 4U);
  EXPECT_EQ(Run({"logs", "m@x=2,y=a"}).out, "2a\n");
}

TEST_F(Commands, FromAndUntilChooseWhatRuns) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: a, run: 'echo a >> " +
            Path("trace") +
            "'}\n"
            "  - {id: b, run: 'echo b >> " +
            Path("trace") +
            "', needs: a}\n"
            "  - {id: c, run: 'echo c >> " +
            Path("trace") + "', needs: b}\n");
  EXPECT_EQ(Run({"run", "p.yaml", "--until", "b"}).code, 0);
  EXPECT_EQ(Read("trace"), "a\nb\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Read("trace"), "a\nb\nc\n");
  EXPECT_EQ(Run({"run", "p.yaml", "--from", "b"}).code, 0);
  EXPECT_EQ(Read("trace"), "a\nb\nc\nb\nc\n");
  const Finished typo = Run({"run", "p.yaml", "--until", "bb"});
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("did you mean 'b'"), std::string::npos) << typo.err;
  for (const char* command : {"run", "plan"}) {
    const Finished beyond = Run({command, "p.yaml", "--from", "c", "--until", "a"});
    EXPECT_EQ(beyond.code, 2) << command;
    EXPECT_NE(beyond.err.find("--from c lies beyond --until a"), std::string::npos) << beyond.err;
  }
  EXPECT_EQ(Run({"run", "p.yaml", "--from", "a", "--until", "b"}).code, 0);
  EXPECT_EQ(Read("trace"), "a\nb\nc\nb\nc\na\nb\n");
}

TEST_F(Commands, FilesFlowAlongTheEdges) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - id: make\n    run: 'echo 42 > number.txt'\n    outputs: {number: number.txt}\n"
        "  - id: use\n    run: 'cat ${inputs.number}'\n    input: {number: make.number}\n");
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Run({"logs", "use"}).out, "42\n");
}

// A worker that shares the machine with one other may use twice what one of four may.
// All tasks of a matrix into one input: a folder of them, in their order.
TEST_F(Commands, SeveralFilesGoIntoOneInput) {
  Write("p.yaml",
        "steps:\n"
        "  - {id: a, foreach: [x, y, z], run: 'echo ${item} > f.txt', outputs: {o: f.txt}}\n"
        "  - {id: all, input: {parts: a}, run: 'cat parts/*; ls parts'}\n"
        "  - {id: two, input: {parts: [a, a]}, run: 'ls parts | tail -1'}\n"
        "  - {id: one, foreach: [q], input: {part: all2}, run: 'cat part'}\n"
        "  - {id: all2, run: 'echo single > s', outputs: {o: s}}\n");
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Run({"logs", "all"}).out, "x\ny\nz\n0\n1\n2\n");
  EXPECT_EQ(Run({"logs", "two"}).out, "5\n");
  const Json log = RunJson({"logs", "two"});
  EXPECT_EQ(log, Json({{"run", "r1"}, {"task", "two"}, {"attempt", 1}, {"log", "5\n"}}));
  EXPECT_EQ(Run({"logs", "one[0]"}).out, "single\n");
}

TEST_F(Commands, PlanSaysWhatMemoryATaskGetsAlongWith) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: asks, uses: generate.blobs, resources: {memory: 64Mi}}\n"
        "  - {id: shares, uses: generate.blobs}\n"
        "  - {id: free, run: 'true'}\n");
  const auto memory = [&](const char* jobs) {
    const Json plan = RunJson({"plan", "p.yaml", "-j", jobs});
    Json out;
    for (const Json& task : plan["tasks"]) out[task["name"]] = task["memory"];
    return out;
  };
  const Json of_two = memory("2");
  EXPECT_EQ(of_two["asks"], (Json{{"bytes", 64 << 20}, {"from", "resources"}}));
  EXPECT_EQ(of_two["free"], (Json{{"bytes", nullptr}, {"from", "none"}}));
  EXPECT_EQ(of_two["shares"]["from"], "share");
  EXPECT_NEAR(of_two["shares"]["bytes"].get<double>(),
              2 * memory("4")["shares"]["bytes"].get<double>(), 4);
  const std::string text = Run({"plan", "p.yaml"}).out;
  EXPECT_NE(text.find("64 MiB asked"), std::string::npos) << text;
  EXPECT_NE(text.find("no limit"), std::string::npos) << text;
}

TEST_F(Commands, PlanSaysWhatWouldRunAndWhyAndRunsNothing) {
  Write("p.yaml", "name: n\nparams: {x: 1}\nsteps:\n  - {id: a, run: 'echo ${params.x}'}\n");
  const Json before = RunJson({"plan", "p.yaml"});
  EXPECT_EQ(before["tasks"][0]["decision"], "run");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(RunJson({"plan", "p.yaml"})["tasks"][0]["decision"], "reuse");
  EXPECT_EQ(RunJson({"plan", "p.yaml", "-S", "x=2"})["tasks"][0]["decision"], "run");
  EXPECT_EQ(RunJson({"run", "-n", "p.yaml"})["tasks"][0]["decision"], "reuse");
  EXPECT_EQ(RunJson({"ls"})["runs"].size(), 1U);
}

TEST_F(Commands, ARunWithoutATaskWhoseConditionHoldsSaysThat) {
  Write("p.yaml",
        "params: {n: 3, forgotten: 1}\nsteps:\n  - {id: a, run: [\"true\"], if: params.n > 5}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("no task ran: the `if:` of every one was false"), std::string::npos)
      << run.err;
  EXPECT_EQ(run.err.find("up to date"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("warning: the parameter 'forgotten' is not used"), std::string::npos)
      << run.err;
}

}  // namespace
}  // namespace dml::e2e
