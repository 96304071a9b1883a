// `dml schedule backfill` and `dml schedule daemon --max-runs` with the real program: how many run
// at once, in which order, and which run again.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <sstream>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class Backfills : public EndToEnd {
 protected:
  // A schedule of the first days of years. A slot leaves its year in `trace`, and the number of
  // slots that were inside at that moment in `inside`; it stays until there is a file `go`.
  void Add(const std::string& name) const {
    Write(name + ".yaml", "name: " + name +
                              "\nschedule: {cron: '0 0 1 1 *', overlap: allow}\n"
                              "steps:\n  - id: note\n    cache: false\n    run: '"
                              "t=\"${schedule.time}\"; mkdir -p " +
                              Path("in") + "; echo > " + Path("in/") + name + "$t; ls " +
                              Path("in") + " | wc -l >> " + Path("inside") + "; while ! test -e " +
                              Path("go") + "; do sleep 0.02; done; rm " + Path("in/") + name +
                              "$t; echo \"$t\" | cut -c1-4 >> " + Path("trace") + "'\n");
    const Finished added = Run({"schedule", "add", name + ".yaml"});
    ASSERT_EQ(added.code, 0) << added.err;
  }
  // The years 2021 to 2024.
  [[nodiscard]] Json Backfill(const std::string& name,
                              const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args{"schedule",   "backfill", name,        "--from",
                                  "2021-01-01", "--to",     "2024-12-31"};
    args.insert(args.end(), more.begin(), more.end());
    return RunJson(args);
  }
  [[nodiscard]] std::vector<std::string> Lines(const std::string& file) const {
    std::vector<std::string> lines;
    std::istringstream text(Exists(file) ? Read(file) : std::string());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  [[nodiscard]] int Count(const char* state) const {
    const Json slots = RunJson({"schedule", "history", "-n", "100"}).at("slots");
    return static_cast<int>(
        std::ranges::count_if(slots, [&](const Json& slot) { return slot.at("state") == state; }));
  }
  void WaitForInside(std::size_t count) const {
    WaitUntil([&] { return Lines("inside").size() == count; }, "that many are inside");
    EXPECT_EQ(Count("starting") + Count("running"), static_cast<int>(count));
    EXPECT_EQ(Lines("inside").size(), count) << "and no more";
  }
  void ExpectAtOnce(const std::string& most) const {
    const std::vector<std::string> inside = Lines("inside");
    EXPECT_EQ(*std::ranges::max_element(inside), most);
  }
  void End(Program& daemon) const {
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait().code, 0);
  }
};

TEST_F(Backfills, RunAsManyAtOnceAsWasAsked) {
  Add("years");
  EXPECT_EQ(Backfill("years", {"--parallel", "2"}).at("to_run"), 4);
  EXPECT_EQ(Count("waiting"), 4);
  Program daemon = Start({"schedule", "daemon"});
  WaitForInside(2);
  EXPECT_EQ(Count("waiting"), 2);
  Write("go", "");
  WaitUntil([&] { return Count("succeeded") == 4; }, "all have run");
  End(daemon);
  ExpectAtOnce("2");
}

TEST_F(Backfills, RunInOrderAndAgainIfAsked) {
  Add("years");
  Write("go", "");
  Program daemon = Start({"schedule", "daemon"});
  const std::vector<std::string> up{"2021", "2022", "2023", "2024"};
  const std::vector<std::string> down(up.rbegin(), up.rend());
  ASSERT_EQ(Backfill("years").at("to_run"), 4);
  WaitUntil([&] { return Count("succeeded") == 4; }, "all have run");
  EXPECT_EQ(Lines("trace"), up);
  Json plan = Backfill("years");
  EXPECT_EQ(plan.at("to_run"), 0) << "they have succeeded";
  EXPECT_EQ(plan.at("succeeded"), 4);
  Write("trace", "");
  plan = Backfill("years", {"--again", "--newest-first", "--dry-run"});
  EXPECT_EQ(plan.at("to_run"), 4);
  EXPECT_EQ(Count("succeeded"), 4) << "only counted";
  EXPECT_EQ(Backfill("years", {"--again", "--newest-first"}).at("to_run"), 4);
  WaitUntil([&] { return Lines("trace").size() == 4 && Count("succeeded") == 4; },
            "all have run again");
  EXPECT_EQ(Lines("trace"), down);
  End(daemon);
  ExpectAtOnce("1");
}

TEST_F(Backfills, OfASchedulePausedSayWhyTheyWait) {
  Add("years");
  ASSERT_EQ(Run({"schedule", "pause", "years", "--reason", "no disk"}).code, 0);
  const Finished said =
      Run({"schedule", "backfill", "years", "--from", "2021-01-01", "--to", "2021-12-31"});
  EXPECT_EQ(said.code, 0);
  EXPECT_NE(said.err.find("years is paused (no disk)"), std::string::npos) << said.err;
  const auto reason = [&] { return RunJson({"schedule", "history"}).at("slots")[0].at("reason"); };
  EXPECT_EQ(reason(), "waits: paused: no disk");
  ASSERT_EQ(Run({"schedule", "resume", "years"}).code, 0);
  EXPECT_EQ(reason(), "");
}

TEST_F(Backfills, KnowWhatHasRunBeforeTheScheduleWasRemoved) {
  Add("years");
  Write("go", "");
  Program daemon = Start({"schedule", "daemon"});
  ASSERT_EQ(Backfill("years").at("to_run"), 4);
  WaitUntil([&] { return Count("succeeded") == 4; }, "all have run");
  ASSERT_EQ(Run({"schedule", "rm", "years"}).code, 0);
  Add("years");
  const Json plan = Backfill("years");
  EXPECT_EQ(plan.at("to_run"), 0);
  EXPECT_EQ(plan.at("succeeded"), 4);
  EXPECT_EQ(RunJson({"schedule", "history"}).at("slots").size(), 4U) << "one row for an instant";
  End(daemon);
}

TEST_F(Backfills, OfAllSchedulesStayWithinMaxRuns) {
  Add("one");
  Add("two");
  ASSERT_EQ(Backfill("one", {"--parallel", "4"}).at("to_run"), 4);
  ASSERT_EQ(Backfill("two", {"--parallel", "4"}).at("to_run"), 4);
  Program daemon = Start({"schedule", "daemon", "--max-runs", "3"});
  WaitForInside(3);
  EXPECT_EQ(Count("waiting"), 5);
  Write("go", "");
  WaitUntil([&] { return Count("succeeded") == 8; }, "all have run");
  End(daemon);
  ExpectAtOnce("3");
}

}  // namespace
}  // namespace dml::e2e
