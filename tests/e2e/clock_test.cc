// Goal: a system clock that is set back loses nothing, repeats nothing and is said.
// Method: a wall clock of the program's own, which is set while it runs.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class SetBack : public EndToEnd {
 protected:
  SetBack() { SetClock(0); }
  // Whole at every moment, for whoever reads it.
  void SetClock(int seconds) const {
    Write("skew.new", std::to_string(seconds));
    ASSERT_EQ(::rename(Path("skew.new").c_str(), Path("skew").c_str()), 0);
  }
  [[nodiscard]] StartOptions WithThatClock() const {
    StartOptions options;
    options.env = {"LD_PRELOAD=" DML_CLOCK_SKEW, "DML_CLOCK_SKEW=" + Path("skew")};
    return options;
  }
  // How often each line stands in a file.
  [[nodiscard]] std::map<std::string, int> Lines(const std::string& name) const {
    std::map<std::string, int> lines;
    std::istringstream in(Exists(name) ? Read(name) : std::string());
    for (std::string line; std::getline(in, line);) ++lines[line];
    return lines;
  }
};

TEST_F(SetBack, NoSlotRunsTwiceAndNoneIsForgotten) {
  constexpr int kBack = 8;
  Write("p.yaml",
        "name: tick\nschedule: {cron: '* * * * * *', overlap: queue_all, catchup: all}\nsteps:\n"
        "  - id: note\n    cache: false\n    run: echo \"${schedule.time}\" >> " +
            Path("trace") + "\n");
  ASSERT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
  Program daemon = Start({"schedule", "daemon"}, WithThatClock());
  WaitUntil([&] { return Lines("trace").size() >= 6; }, "slots have run");
  SetClock(-kBack);
  const auto events = [&] { return Run({"schedule", "history", "--events"}).out; };
  WaitUntil([&] { return events().find("the clock was set back from") != std::string::npos; },
            "it is said");
  const std::size_t then = Lines("trace").size();
  WaitUntil([&] { return Lines("trace").size() >= then + 4; }, "later slots run");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);

  std::set<std::string> due;
  Json slots;
  const auto goes_on = [](const Json& slot) {
    return slot.at("state") == "starting" || slot.at("state") == "running";
  };
  WaitUntil(
      [&] {
        slots = RunJson({"schedule", "history", "-n", "1000"}).at("slots");
        return std::ranges::none_of(slots, goes_on);
      },
      "runs that the daemon has left behind end");
  ASSERT_GE(slots.size(), 10U);
  for (const Json& slot : slots) {
    EXPECT_TRUE(due.insert(slot.at("due").get<std::string>()).second) << slot.dump();
    EXPECT_TRUE(slot.at("state") == "succeeded" || slot.at("state") == "waiting" ||
                slot.at("state") == "cancelled")
        << slot.dump();
  }
  const std::map<std::string, int> ran = Lines("trace");
  for (const auto& [time, times] : ran) EXPECT_EQ(times, 1) << time;
  // One a second, from the first to the last.
  for (auto next = std::next(due.begin()); next != due.end(); ++next) {
    const auto second = [](const std::string& time) { return std::stoi(time.substr(17, 2)); };
    EXPECT_EQ(second(*next), (second(*std::prev(next)) + 1) % 60) << *next;
  }
}

TEST_F(SetBack, ARunKeepsItsDeadlinesAndTellsItsTimes) {
  Write("p.yaml",
        "name: p\nsteps:\n"
        "  - id: set\n    cache: false\n    retry: {limit: 1, backoff: 1s}\n    run: |\n"
        "      test -e " +
            Path("again") + " && exit 0\n      touch " + Path("again") + "\n      echo -3600 > " +
            Path("skew") +
            "\n      exit 1\n"
            "  - {id: after, needs: set, cache: false, run: 'true'}\n");
  const Finished run = Run({"run", "p.yaml"}, WithThatClock());
  ASSERT_EQ(run.code, 0) << run.err;
  const Finished list = Run({"ls"});
  EXPECT_NE(list.out.find("  ?  "), std::string::npos) << "how long it took is not known";
  EXPECT_EQ(RunJson({"ls"}).at("runs").at(0).at("outcome"), "succeeded");
  EXPECT_EQ(States(),
            (std::map<std::string, std::string>{{"set", "succeeded"}, {"after", "succeeded"}}));
  const Finished again = Run({"run", "p.yaml"}, WithThatClock());
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(RunJson({"status"}).at("run"), "r2") << "the newest run is the one that began last";
}

}  // namespace
}  // namespace dml::e2e
