#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

using CommandLine = EndToEnd;

TEST_F(CommandLine, UnknownCommandsAndOptionsSayWhatWasMeant) {
  const Finished command = Run({"rnu"});
  EXPECT_EQ(command.code, 2);
  EXPECT_NE(command.err.find("did you mean 'run'?"), std::string::npos) << command.err;
  const Finished option = Run({"run", "--kep-going"});
  EXPECT_EQ(option.code, 2);
  EXPECT_NE(option.err.find("did you mean '--keep-going'?"), std::string::npos) << option.err;
  const Finished file = Run({"pipeline.yaml"});
  EXPECT_EQ(file.code, 2);
  EXPECT_NE(file.err.find("dml run pipeline.yaml"), std::string::npos) << file.err;
}

TEST_F(CommandLine, WrongValuesAreUsageErrors) {
  EXPECT_EQ(Run({"run", "-j", "zero"}).code, 2);
  EXPECT_EQ(Run({"run", "-j", "0"}).code, 2);
  EXPECT_EQ(Run({"ls", "-o", "xml"}).code, 2);
  EXPECT_EQ(Run({"logs"}).code, 2);
  EXPECT_EQ(Run({"run", "a.yaml", "b.yaml"}).code, 2);
  EXPECT_EQ(Run({"run", "-S", "novalue"}).code, 2);
  EXPECT_EQ(Run({"cluster", "exec", "--", "\xff"}).code, 2) << "nodes are told in JSON";
  EXPECT_EQ(Run({}).code, 2);
}

// The names below "Commands:" of a help page.
std::vector<std::string> CommandsOf(const std::string& page) {
  std::vector<std::string> names;
  const std::size_t start = page.find("\nCommands:\n");
  if (start == std::string::npos) return names;
  std::istringstream lines(page.substr(start + 11));
  for (std::string line; std::getline(lines, line) && line.starts_with("  ");) {
    names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

TEST_F(CommandLine, EveryCommandHasAHelpPageWithExamplesAndExitCodes) {
  std::size_t pages = 0;
  const auto expect_page = [&](const std::vector<std::string>& words, const std::string& page) {
    const std::string command = fmt::format("{}", fmt::join(words, " "));
    EXPECT_NE(page.find("Usage: dml " + command), std::string::npos) << command;
    EXPECT_NE(page.find("\nExit codes:\n"), std::string::npos) << command;
    const bool is_group = !CommandsOf(page).empty();
    EXPECT_EQ(page.find("\nExamples:\n") == std::string::npos, is_group) << command;
    ++pages;
  };
  const std::vector<std::string> commands = CommandsOf(Run({"--help"}).out);
  EXPECT_GE(commands.size(), 21U);
  for (const std::string& command : commands) {
    const Finished page = Run({command, "--help"});
    EXPECT_EQ(page.code, 0) << command;
    expect_page({command}, page.out);
    EXPECT_EQ(Run({"help", command}).out, page.out) << command;
    for (const std::string& verb : CommandsOf(page.out)) {
      const Finished inner = Run({command, verb, "--help"});
      EXPECT_EQ(inner.code, 0) << command << " " << verb;
      expect_page({command, verb}, inner.out);
    }
  }
  EXPECT_GE(pages, 48U);
}

TEST_F(CommandLine, CommonOptionsMayStandBeforeTheCommand) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  EXPECT_EQ(Run({"--home", "elsewhere", "-q", "run", "p.yaml"}).code, 0);
  EXPECT_TRUE(Exists("elsewhere/dml.db"));
}

TEST_F(CommandLine, QuietSaysNothingWhenAllIsWell) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'echo noise'}\n");
  const Finished run = Run({"run", "-q", "p.yaml"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out + run.err, "");
}

TEST_F(CommandLine, NothingIsColouredAwayFromATerminal) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'exit 3'}\n");
  const Finished run = Run({"run", "p.yaml"}, {{"TERM=xterm-256color"}});
  EXPECT_EQ(run.err.find('\x1b'), std::string::npos) << run.err;
}

TEST_F(CommandLine, AnInvalidPipelineIsReportedWithAllItsErrors) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: a, rnu: 'true'}\n"
        "  - {id: b, run: 'true', needs: aa}\n");
  for (const char* command : {"validate", "run", "plan", "graph"}) {
    const Finished finished = Run({command, "p.yaml"});
    EXPECT_EQ(finished.code, 2) << command;
    EXPECT_NE(finished.err.find("p.yaml:3:"), std::string::npos) << finished.err;
    EXPECT_NE(finished.err.find("p.yaml:4:"), std::string::npos) << finished.err;
  }
  EXPECT_FALSE(Exists(".dml/dml.db")) << "nothing was started";
  const Finished json = Run({"validate", "p.yaml", "-o", "json"});
  EXPECT_EQ(json.code, 2);
  EXPECT_FALSE(Json::parse(json.out).at("valid").get<bool>());
}

TEST_F(CommandLine, AMissingPipelineIsAUsageError) {
  const Finished named = Run({"run", "nowhere.yaml"});
  EXPECT_EQ(named.code, 2) << named.err;
  EXPECT_NE(named.err.find("nowhere.yaml"), std::string::npos) << named.err;
  const Finished unnamed = Run({"run"});
  EXPECT_EQ(unnamed.code, 2);
  EXPECT_NE(unnamed.err.find("pipeline.yaml"), std::string::npos) << unnamed.err;
}

TEST_F(CommandLine, CommandsThatReadNeedARun) {
  for (const char* command : {"ls", "status", "metrics", "report"}) {
    const Finished finished = Run({command});
    EXPECT_EQ(finished.code, 2) << command;
    EXPECT_NE(finished.err.find("dml run"), std::string::npos) << finished.err;
  }
}

TEST_F(CommandLine, MachineReadableOutputIsOneDocument) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'echo hello'}\n");
  const Json run = RunJson({"run", "p.yaml"});
  EXPECT_EQ(run["outcome"], "succeeded");
  EXPECT_EQ(run["tasks"][0]["name"], "a");
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["run"], "r1");
  EXPECT_EQ(RunJson({"status"})["tasks"][0]["state"], "succeeded");
  EXPECT_EQ(RunJson({"explain", "a"})["state"], "succeeded");
  EXPECT_EQ(RunJson({"graph", "p.yaml"})["tasks"][0]["type"], "run");
  EXPECT_TRUE(RunJson({"metrics"})["tasks"].empty());
  EXPECT_TRUE(RunJson({"version"})["version"].is_string());
  EXPECT_TRUE(RunJson({"version"})["store"].is_number_integer());
}

TEST_F(CommandLine, TheNamesOfStepsAreOneALine) {
  const Finished steps = Run({"steps", "--names"});
  EXPECT_EQ(steps.code, 0) << steps.err;
  const std::string lines = "\n" + steps.out;
  for (const char* name : {"load.csv", "train.kmeans", "one_hot"}) {
    EXPECT_NE(lines.find("\n" + std::string(name) + "\n"), std::string::npos) << name;
  }
  EXPECT_EQ(steps.out.find(' '), std::string::npos) << steps.out;
}

TEST_F(CommandLine, AGraphIsDrawnInTheLanguageThatIsAskedFor) {
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: a, run: [\"true\"]}\n"
        "  - {id: b, run: [\"true\"], needs: a}\n");
  const Finished dot = Run({"graph", "p.yaml", "--dot"});
  EXPECT_EQ(dot.code, 0) << dot.err;
  EXPECT_TRUE(dot.out.starts_with("digraph ")) << dot.out;
  EXPECT_NE(dot.out.find("n0 [label=\"a\\nrun\"]"), std::string::npos) << dot.out;
  EXPECT_NE(dot.out.find("n0 -> n1 ["), std::string::npos) << dot.out;
  EXPECT_EQ(Run({"graph", "p.yaml"}).out, dot.out) << "the default";
  EXPECT_NE(Run({"graph", "p.yaml", "--mermaid"}).out, dot.out);
  EXPECT_EQ(Run({"graph", "p.yaml", "--dot", "--mermaid"}).code, 2);
}

TEST_F(CommandLine, AMisusedOptionSaysWhatItTakes) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: [\"true\"]}\n");
  const auto says = [&](const std::vector<std::string>& args, const std::string& words) {
    const Finished finished = Run(args);
    EXPECT_EQ(finished.code, 2) << words;
    EXPECT_NE(finished.err.find(words), std::string::npos) << finished.err;
  };
  says({"run", "p.yaml", "--set"}, "'--set' needs KEY=VALUE");
  says({"run", "p.yaml", "--jobs", "0"}, "--jobs: '0' is not a whole number from 1 to 10000");
  says({"run", "p.yaml", "--output", "yaml"}, "--output: 'yaml' is not table or json");
}

TEST_F(CommandLine, AnErrorIsADocumentTooForWhoAskedForOne) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'exit 1'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 1);
  const std::vector<std::vector<std::string>> mistaken{{"status", "r99"},
                                                       {"explain", "nope"},
                                                       {"status", "--nope"},
                                                       {"nope"},
                                                       {"schedule", "nope"},
                                                       {"completion", "tcsh"},
                                                       {"plan", "nowhere.yaml"},
                                                       {"logs", "nope"},
                                                       {"metrics", "diff", "r99", "r1"},
                                                       {"steps", "nope"}};
  for (std::vector<std::string> args : mistaken) {
    args.insert(args.end(), {"-o", "json"});
    const Finished finished = Run(args);
    EXPECT_EQ(finished.code, 2) << args[0];
    EXPECT_NE(finished.err.find("error:"), std::string::npos) << args[0];
    const Json json = Json::parse(finished.out, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(json.is_object()) << args[0] << ": " << finished.out;
    if (args[0] == "plan" && json.contains("diagnostics")) continue;
    EXPECT_EQ(json.at("error").at("kind"), "invalid") << args[0];
    EXPECT_FALSE(json.at("error").at("message").get<std::string>().empty()) << args[0];
    EXPECT_TRUE(json.at("error").contains("hint")) << args[0];
    EXPECT_TRUE(json.at("error").contains("place")) << args[0];
  }
  EXPECT_EQ(Run({"status", "r99"}).out, "") << "people read stderr";
  EXPECT_EQ(Json::parse(Run({"run", "p.yaml", "-o", "json"}).out).at("outcome"), "failed")
      << "what failed is in the document";
}

TEST_F(CommandLine, TheReportOfAnEvilPipelineIsHarmless) {
  Write("p.yaml",
        "name: '<script>alert(1)</script>'\nsteps:\n  - {id: a, run: 'echo \"</pre><script>\"; "
        "exit 1'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 1);
  const Finished report = Run({"report", "-o", "out.html"});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.out, "out.html\n");
  const std::string html = Read("out.html");
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;alert"), std::string::npos);
  EXPECT_EQ(Run({"report"}).out, "report-r1.html\n");
}

TEST_F(CommandLine, NamesOfTasksAndRunsAreCompleted) {
  Write("p.yaml",
        "name: n\nsteps:\n"
        "  - {id: model, matrix: {C: [0.1, 10]}, run: [\"true\"]}\n"
        "  - {id: eval, run: [\"true\"]}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"status", "--names"}).out, "model@C=0.1\nmodel@C=10\neval\n");
  EXPECT_EQ(Run({"ls", "--names"}).out, "r1\n");
  // What bash does before it calls the function: `=` and `@` separate words, the line is whole.
  const auto completed = [&](const std::string& line, const std::string& words) {
    return "COMP_LINE='" + line + "'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(" + words +
           "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _dml; printf '%s;' \"${COMPREPLY[@]}\"; echo\n";
  };
  const std::string dml =
      "dml() { " + std::string(DML_BINARY_DIR) + "/dml \"$@\" --home " + Path(".dml") + "; }\n";
  Write("dml.bash", Run({"completion", "bash"}).out + dml + completed("dml logs m", "dml logs m") +
                        completed("dml logs model@C=0", "dml logs model @ C = 0") +
                        completed("dml status ", "dml status ''") +
                        completed("dml run -o j", "dml run -o j"));
  Write("q.yaml", "name: q\nsteps:\n  - {id: a, run: 'bash " + Path("dml.bash") + "'}\n");
  EXPECT_EQ(Run({"run", "q.yaml", "--home", Path("other")}).code, 0);
  EXPECT_EQ(Run({"logs", "a", "--home", Path("other")}).out,
            "model@C=0.1;model@C=10;\n0.1;\nr1;\njson;\n");
}

TEST_F(CommandLine, APlanForNodesReadsTheirInventory) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: [\"true\"]}\n");
  const Finished missing = Run({"plan", "p.yaml", "--cluster", "nowhere.yaml"});
  EXPECT_EQ(missing.code, 2) << missing.out;
  EXPECT_NE(missing.err.find("nowhere.yaml"), std::string::npos) << missing.err;
  Write("cluster.yaml", "leese: 30m\nhosts: [127.0.0.1]\n");
  const Finished wrong = Run({"run", "-n", "p.yaml", "--cluster", "cluster.yaml"});
  EXPECT_EQ(wrong.code, 2) << wrong.out;
  EXPECT_NE(wrong.err.find("did you mean 'lease'?"), std::string::npos) << wrong.err;
  EXPECT_EQ(wrong.out, "");
  Write("cluster.yaml", "lease: 30m\nhosts: [127.0.0.1]\n");
  EXPECT_EQ(Run({"plan", "p.yaml", "--cluster", "cluster.yaml"}).code, 0);
}

TEST_F(CommandLine, TheTaskThatWasChosenIsNamed) {
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: rows, uses: generate.regression}\n"
        "  - {id: worse, uses: train.ridge, input: rows, with: {target: y, alpha: 1000000, "
        "validate: {folds: 2}}}\n"
        "  - {id: model, uses: train.ridge, input: rows, matrix: {alpha: [100000, 1]}, with: "
        "{target: y, alpha: \"${matrix.alpha}\", validate: {folds: 2}}}\n"
        "  - {id: best, uses: select.best, input: [model, worse], with: {metric: cv.r2}}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.out.find("\nbest kept model@alpha=1\n"), std::string::npos) << run.out;
  EXPECT_NE(Run({"metrics"}).out.find("\nbest kept model@alpha=1\n"), std::string::npos);
}

TEST_F(CommandLine, ManyStepTypesAreListedByFamily) {
  const Finished family = Run({"steps", "train"});
  EXPECT_EQ(family.code, 0) << family.err;
  EXPECT_NE(family.out.find("train.ridge "), std::string::npos) << family.out;
  EXPECT_EQ(family.out.find("load.csv"), std::string::npos) << family.out;
  EXPECT_EQ(RunJson({"steps", "load"})["steps"][0]["name"], "load.csv");
  EXPECT_NE(Run({"steps", "StandardScaler"}).err.find("here it is 'standardize'"),
            std::string::npos);
  EXPECT_NE(Run({"steps", "run"}).err.find("in the place of uses:"), std::string::npos);
}

TEST_F(CommandLine, CompletionScriptsParse) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Finished script = Run({"completion", shell});
    EXPECT_EQ(script.code, 0);
    EXPECT_NE(script.out.find("validate"), std::string::npos) << shell;
  }
  EXPECT_EQ(Run({"completion", "tcsh"}).code, 2);
  EXPECT_EQ(RunJson({"completion", "zsh"}).at("script"), Run({"completion", "zsh"}).out);
  const Finished bash = Run({"completion", "bash"});
  Write("dml.bash",
        bash.out +
            "\nCOMP_WORDS=(dml va); COMP_CWORD=1; _dml; echo \"${COMPREPLY[*]}\"\n"
            "COMP_WORDS=(dml run --keep); COMP_CWORD=2; _dml; echo \"${COMPREPLY[*]}\"\n");
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'bash " + Path("dml.bash") + "'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"logs", "a"}).out, "validate\n--keep-going\n");
}

}  // namespace
}  // namespace dml::e2e
