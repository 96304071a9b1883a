#include <gtest/gtest.h>

#include "cli/display/progress_frame.h"
#include "cli/display/progress_model.h"
#include "orchestrator/report/text_table.h"

namespace dml::cli {
namespace {

using Ending = ProgressModel::Ending;

constexpr Instant At(double seconds) { return {static_cast<std::int64_t>(seconds * 1e9)}; }

ProgressModel Sample() {
  ProgressModel model;
  model.Begin(At(100), {{"load", 1}, {"model", 4}}, {{"load", Duration::Seconds(2)}}, 2);
  model.Start(0, "load", "load", 1, At(100));
  model.End(0, "load", Ending::kSucceeded, At(102));
  model.Start(1, "model@C=0.1", "model", 1, At(102));
  model.Start(2, "model@C=1", "model", 2, At(103));
  model.Report(2, 0.25, "iteration 12");
  return model;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  EXPECT_EQ(start, text.size()) << "every line is ended";
  return lines;
}

TEST(ProgressModel, CountsEndings) {
  ProgressModel model = Sample();
  model.End(1, "model", Ending::kFailed, At(104));
  model.End(3, "model", Ending::kReused, At(104));
  EXPECT_EQ(model.total(), 5U);
  EXPECT_EQ(model.done(), 3U);
  EXPECT_EQ(model.count(Ending::kFailed), 1U);
  EXPECT_EQ(model.count(Ending::kReused), 1U);
  ASSERT_EQ(model.running().size(), 1U);
  EXPECT_EQ(model.running()[0].name, "model@C=1");
}

TEST(ProgressModel, WhatIsDoneAgainIsCountedOnce) {
  ProgressModel model = Sample();
  model.Reopen(0, "load");
  EXPECT_EQ(model.done(), 0U);
  EXPECT_EQ(model.count(Ending::kSucceeded), 0U);
  model.Start(0, "load", "load", 2, At(104));
  model.End(0, "load", Ending::kReused, At(106));
  EXPECT_EQ(model.done(), 1U);
  EXPECT_EQ(model.count(Ending::kReused), 1U);
}

TEST(ProgressModel, ARetryRunsNothingUntilItStartsAgain) {
  ProgressModel model = Sample();
  model.Retry(1);
  EXPECT_EQ(model.running().size(), 1U);
  EXPECT_EQ(model.done(), 1U);
}

TEST(ProgressModel, EstimatesFromWhatTasksTook) {
  ProgressModel model;
  model.Begin(At(0), {{"m", 10}}, {}, 2);
  EXPECT_LT(model.Remaining(At(0)).ns, 0) << "nothing to go by yet";
  model.Start(0, "m0", "m", 1, At(0));
  model.End(0, "m", Ending::kSucceeded, At(4));
  EXPECT_EQ(model.Remaining(At(4)), Duration::Seconds(18)) << "nine of 4 s, two at once";
  model.Start(1, "m1", "m", 1, At(4));
  EXPECT_EQ(model.Remaining(At(6)), Duration::Seconds(17)) << "one is half done";
}

TEST(ProgressModel, EstimatesFromEarlierRuns) {
  ProgressModel model;
  model.Begin(At(0), {{"m", 10}}, {{"m", Duration::Seconds(3)}}, 1);
  EXPECT_EQ(model.Remaining(At(0)), Duration::Seconds(30));
}

TEST(ProgressModel, ATasksOwnFractionBeatsTheMean) {
  ProgressModel model;
  model.Begin(At(0), {{"m", 1}}, {{"m", Duration::Seconds(3)}}, 1);
  model.Start(0, "m", "m", 1, At(0));
  model.Report(0, 0.5, "");
  EXPECT_EQ(model.Remaining(At(10)), Duration::Seconds(10));
}

TEST(Frame, ShowsTheRunAndWhatIsRunning) {
  const std::vector<std::string> lines = Lines(RenderFrame(Sample(), At(107), {100, 8, false}));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "####--------------------  1/5  0:07  about 0:12 left");
  EXPECT_EQ(lines[1], "  model@C=0.1                   ------------    5.0 s");
  EXPECT_EQ(
      lines[2],
      "  model@C=1                     ###---------    4.0 s   25 %  attempt 2  iteration 12");
}

TEST(Frame, NeverExceedsTheWidth) {
  ProgressModel model = Sample();
  model.Start(3, "model@with=a very long name indeed, longer than any screen", "model", 1, At(104));
  model.Report(3, 0.5, "a note that goes on and on and on and on and on and on and on and on");
  for (int width : {1, 10, 20, 40, 59, 60, 61, 80, 200}) {
    for (const std::string& line : Lines(RenderFrame(model, At(107), {width, 8, false}))) {
      EXPECT_LE(report::DisplayWidth(line), static_cast<std::size_t>(std::max(width, 1)))
          << width << ": " << line;
    }
  }
}

TEST(Frame, ShowsAtMostSoManyTasks) {
  ProgressModel model;
  model.Begin(At(0), {{"m", 100}}, {}, 100);
  for (std::uint32_t i = 0; i < 100; ++i) model.Start(i, "m" + std::to_string(i), "m", 1, At(0));
  const std::vector<std::string> lines = Lines(RenderFrame(model, At(1), {80, 8, false}));
  EXPECT_EQ(lines.size(), 10U);
  EXPECT_EQ(lines.back(), "  and 92 more");
}

TEST(Frame, ANameCannotDriveTheTerminal) {
  ProgressModel model;
  model.Begin(At(0), {{"m", 1}}, {}, 1);
  model.Start(0, "\x1b[2Jevil", "m", 1, At(0));
  EXPECT_EQ(RenderFrame(model, At(1), {80, 8, false}).find('\x1b'), std::string::npos);
}

TEST(Frame, AnEmptyRunIsDrawn) {
  ProgressModel model;
  model.Begin(At(0), {}, {}, 1);
  EXPECT_EQ(RenderFrame(model, At(0), {80, 8, false}), "------------------------  0/0  0:00\n");
}

TEST(ClockText, CountsUpToHours) {
  EXPECT_EQ(ClockText(Duration::Seconds(7)), "0:07");
  EXPECT_EQ(ClockText(Duration::Seconds(3599)), "59:59");
  EXPECT_EQ(ClockText(Duration::Seconds(3723)), "1:02:03");
  EXPECT_EQ(ClockText({-5}), "0:00");
}

TEST(Bar, FillsInProportion) {
  EXPECT_EQ(Bar(0, 4, false), "----");
  EXPECT_EQ(Bar(0.5, 4, false), "##--");
  EXPECT_EQ(Bar(0.999, 4, false), "###-") << "full means done";
  EXPECT_EQ(Bar(1, 4, false), "####");
  EXPECT_EQ(Bar(7, 4, false), "####");
}

}  // namespace
}  // namespace dml::cli
