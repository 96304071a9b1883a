#include "cli/args.h"

#include <gtest/gtest.h>

namespace dml::cli {
namespace {

struct SampleCommand {
  std::string file;
  std::vector<std::string> sets;
  int jobs = 0;
  bool keep = false;
  std::string format = "table";
  Args args{"run", "run a pipeline"};

  SampleCommand() {
    args.Positional("FILE", file, /*required=*/true, "the pipeline");
    args.Values("-S,--set", "KEY=VALUE", sets, "set a parameter");
    args.Number("-j,--jobs", "N", jobs, 1, 100, "cores to use");
    args.Flag("-k,--keep-going", keep, "go on after a failure");
    args.Choice("-o,--output", {"table", "json"}, format, "what stdout carries");
    args.Example("dml run p.yaml", "run it");
  }
  Error ErrorOf(const std::vector<std::string>& words) {
    const Result<bool> result = args.Parse(words);
    return result.ok() ? Error::Task("no error") : result.error();
  }
};

TEST(Args, FillsItsTargets) {
  SampleCommand sample;
  const Result<bool> help =
      sample.args.Parse({"-j4", "p.yaml", "--set", "a=1", "-k", "-S", "b=x y", "--output=json"});
  ASSERT_TRUE(help.ok()) << help.error().Render();
  EXPECT_FALSE(*help);
  EXPECT_EQ(sample.file, "p.yaml");
  EXPECT_EQ(sample.sets, (std::vector<std::string>{"a=1", "b=x y"}));
  EXPECT_EQ(sample.jobs, 4);
  EXPECT_TRUE(sample.keep);
  EXPECT_EQ(sample.format, "json");
}

TEST(Args, AValueTakesOneWordOnly) {
  SampleCommand sample;
  ASSERT_TRUE(sample.args.Parse({"-S", "a=1", "p.yaml"}).ok());
  EXPECT_EQ(sample.file, "p.yaml");
  EXPECT_EQ(sample.sets.size(), 1U);
}

TEST(Args, NamesTheNearestOption) {
  EXPECT_EQ(SampleCommand().ErrorOf({"p.yaml", "--kep-going"}),
            Error::Invalid("unknown option '--kep-going'", "did you mean '--keep-going'?"));
  EXPECT_EQ(SampleCommand().ErrorOf({"p.yaml", "--zzzzzz=1"}),
            Error::Invalid("unknown option '--zzzzzz'", "see `dml run --help`"));
}

TEST(Args, SaysWhatIsMissingOrTooMuch) {
  EXPECT_EQ(SampleCommand().ErrorOf({}).message, "'dml run' needs FILE: the pipeline");
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "b"}).message, "unexpected argument 'b'");
}

TEST(Args, SaysWhatAnOptionTakes) {
  const auto number = [](const std::string& text) {
    return Error::Invalid("--jobs: '" + text + "' is not a whole number from 1 to 100",
                          "for example --jobs 4");
  };
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "-j", "0"}), number("0"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "-j101"}), number("101"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "--jobs=many"}), number("many"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "-j", "99999999999"}), number("99999999999"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "-o", "yaml"}),
            Error::Invalid("--output: 'yaml' is not table or json", "for example --output table"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "--output", "jsno"}),
            Error::Invalid("--output: 'jsno' is not table or json", "did you mean 'json'?"));
  EXPECT_EQ(
      SampleCommand().ErrorOf({"a", "-S"}),
      Error::Invalid("'--set' needs KEY=VALUE: set a parameter", "for example --set KEY=VALUE"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "-o"}),
            Error::Invalid("'--output' needs table|json: what stdout carries",
                           "for example --output table"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "-j", "1", "--jobs", "2"}),
            Error::Invalid("'--jobs' is given more than once", "give it once"));
  EXPECT_EQ(SampleCommand().ErrorOf({"a", "--keep-going=perhaps"}).message,
            "'--keep-going' takes no value");
}

TEST(Args, NumbersAreDecimal) {
  SampleCommand sample;
  ASSERT_TRUE(sample.args.Parse({"p.yaml", "-j", "010"}).ok());
  EXPECT_EQ(sample.jobs, 10);
}

TEST(Args, HelpIsAskedForAnywhereButAfterTwoDashes) {
  EXPECT_TRUE(*SampleCommand().args.Parse({"--help"}));
  EXPECT_TRUE(*SampleCommand().args.Parse({"p.yaml", "-h"}));
}

TEST(Args, TheHelpPage) {
  EXPECT_EQ(SampleCommand().args.Help(),
            "run a pipeline\n"
            "\n"
            "Usage: dml run FILE [options]\n"
            "\n"
            "Arguments:\n"
            "  FILE                      the pipeline\n"
            "\n"
            "Options:\n"
            "  -S, --set KEY=VALUE       set a parameter\n"
            "  -j, --jobs N              cores to use\n"
            "  -k, --keep-going          go on after a failure\n"
            "  -o, --output table|json   what stdout carries\n"
            "  -h, --help                show this page\n"
            "\n"
            "Examples:\n"
            "  dml run p.yaml  run it\n"
            "\n"
            "Exit codes:\n"
            "  0 done or nothing to do      1 a task failed         2 usage, invalid pipeline or "
            "data\n"
            "  3 infrastructure             4 already running\n"
            "  130 interrupted (Ctrl-C)     143 terminated\n");
}

}  // namespace
}  // namespace dml::cli
