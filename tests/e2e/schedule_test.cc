// Goal: pipelines run by the clock with the real binary: every slot once, whatever is killed.
// Method: crons of seconds, a daemon in the foreground, SIGKILL, a second daemon.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/program.h"
#include "tests/send_signal.h"

namespace dml::e2e {
namespace {

class Schedules : public EndToEnd {
 protected:
  // A pipeline that notes ${schedule.time}; `more` are further lines of the file.
  void WriteTick(const std::string& schedule, const std::string& script = "true",
                 const std::string& more = "") const {
    Write("p.yaml", "name: tick\nschedule: " + schedule + "\n" + more +
                        "steps:\n  - id: note\n    cache: false\n    run: 'echo "
                        "\"${schedule.time}\" >> " +
                        Path("trace") + "; " + script + "'\n");
  }
  [[nodiscard]] std::vector<std::string> Trace() const {
    std::vector<std::string> lines;
    std::string line;
    for (const char c : Exists("trace") ? Read("trace") : std::string()) {
      if (c != '\n') {
        line += c;
      } else {
        lines.push_back(std::exchange(line, {}));
      }
    }
    return lines;
  }
  [[nodiscard]] Json Slots() const {
    return RunJson({"schedule", "history", "-n", "1000"}).at("slots");
  }
  [[nodiscard]] int Count(const char* state) const {
    const Json slots = Slots();
    return static_cast<int>(
        std::ranges::count_if(slots, [&](const Json& slot) { return slot.at("state") == state; }));
  }
  void ExpectAdded() const {
    const Finished added = Run({"schedule", "add", "p.yaml"});
    ASSERT_EQ(added.code, 0) << added.err;
  }
};

TEST_F(Schedules, ADaemonTellsProgramsWhatItDoes) {
  WriteTick("{cron: '* * * * * *', overlap: queue_all, timezone: Asia/Shanghai}");
  ExpectAdded();
  Program daemon = Start({"schedule", "daemon", "-o", "json"});
  WaitUntil([&] { return Count("succeeded") >= 2; }, "two slots have run");
  daemon.Signal(SIGTERM);
  const Finished ended = daemon.Wait();
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  std::vector<std::string> events;
  std::istringstream lines(ended.out);
  for (std::string line; std::getline(lines, line);) {
    const Json said = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(said.is_object()) << line;
    EXPECT_TRUE(said.at("time").is_string());
    EXPECT_TRUE(said.at("message").is_string());
    events.push_back(said.at("event"));
    if (events.back() == "slot" && said.at("slot").is_object()) {
      EXPECT_EQ(said.at("slot").at("state"), "succeeded") << line;
    }
  }
  ASSERT_GE(events.size(), 3U) << ended.out;
  EXPECT_EQ(events.front(), "working");
  EXPECT_EQ(events.back(), "stopped");
  EXPECT_GE(std::ranges::count(events, "slot"), 1);
}

TEST_F(Schedules, ADaemonRunsWhatIsDueAndEndsCleanly) {
  WriteTick("{cron: '* * * * * *', overlap: queue_all, timezone: Asia/Shanghai}");
  ExpectAdded();
  Program daemon = Start({"schedule", "daemon"});
  WaitUntil([&] { return Count("succeeded") >= 3; }, "three slots have run");
  daemon.Signal(SIGTERM);
  const Finished ended = daemon.Wait();
  EXPECT_EQ(ended.code, 0) << ended.err;
  const std::vector<std::string> times = Trace();
  EXPECT_GE(times.size(), 3U);
  EXPECT_EQ(std::set<std::string>(times.begin(), times.end()).size(), times.size());
  EXPECT_TRUE(times[0].ends_with("+08:00")) << "the time in the zone of the schedule";
  for (const Json& slot : Slots()) {
    if (slot.at("state") == "succeeded") {
      EXPECT_TRUE(slot.at("run").is_string());
    }
  }
}

TEST_F(Schedules, AKilledDaemonLosesNoSlotAndRunsNoneTwice) {
  WriteTick("{cron: '* * * * * *', overlap: queue_all, catchup: all}");
  ExpectAdded();
  for (int life = 0; life < 3; ++life) {
    const int before = Count("succeeded");
    Program daemon = Start({"schedule", "daemon"});
    WaitUntil([&] { return Count("succeeded") > before; }, "a slot has run");
    daemon.Signal(SIGKILL);
    EXPECT_EQ(daemon.Wait().code, 137);
  }
  EXPECT_EQ(Run({"schedule", "pause", "tick"}).code, 0);
  EXPECT_EQ(Run({"schedule", "resume", "tick"}).code, 0);
  Write("p.yaml", Read("p.yaml"));
  Program daemon = Start({"schedule", "daemon"});
  const int seen = static_cast<int>(Slots().size());
  WaitUntil([&] { return Count("succeeded") >= seen; }, "what was open has run");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);
  const std::vector<std::string> times = Trace();
  EXPECT_EQ(std::set<std::string>(times.begin(), times.end()).size(), times.size());
  std::set<std::string> due;
  for (const Json& slot : Slots()) {
    EXPECT_TRUE(due.insert(slot.at("due").get<std::string>()).second) << "one row for an instant";
    EXPECT_NE(slot.at("state"), "failed") << slot.dump();
  }
}

TEST_F(Schedules, AKilledSlotGoesOnWithItsRun) {
  WriteTick("{cron: '0 0 1 1 *'}",
            "touch " + Path("begun") + "; while ! test -e " + Path("go") + "; do sleep 0.05; done");
  ExpectAdded();
  Program daemon = Start({"schedule", "daemon"});
  const Finished backfill =
      Run({"schedule", "backfill", "tick", "--from", "2026-01-01", "--to", "2026-01-01"});
  ASSERT_EQ(backfill.code, 0) << backfill.err;
  WaitUntil([&] { return Exists("begun") && Slots()[0].at("run").is_string(); }, "the slot runs");
  const std::string run = Slots()[0].at("run").get<std::string>();
  // The process of the slot holds its lock, and the lock names it.
  const Json owner = Json::parse(Read(".dml/locks/slot-1"));
  ASSERT_TRUE(SendSignal(owner.at("pid").get<int>(), SIGKILL));
  WaitUntil([&] { return Slots()[0].at("starts") == 2; }, "it is started again");
  Write("go", "");
  WaitUntil([&] { return Slots()[0].at("state") == "succeeded"; }, "the slot has ended");
  EXPECT_EQ(Slots()[0].at("run"), run) << "the same run, not another one";
  EXPECT_EQ(Trace(), (std::vector<std::string>{"2026-01-01T00:00:00Z"}));
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);
}

// A process that is killed between saying how its slot ended and tidying up.
TEST_F(Schedules, ADaemonTidiesUpAfterSlotsThatHaveEnded) {
  WriteTick("{cron: '0 0 1 1 *'}");
  ExpectAdded();
  ASSERT_EQ(
      Run({"schedule", "backfill", "tick", "--from", "2026-01-01", "--to", "2026-01-01"}).code, 0);
  Program daemon = Start({"schedule", "daemon"});
  WaitUntil([&] { return Count("succeeded") == 1; }, "the slot has run");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);
  const std::vector<std::string> left{".dml/schedule/slot-1.log", ".dml/schedule/slot-1.run",
                                      ".dml/locks/slot-1"};
  for (const std::string& name : left) Write(name, "r1\n");
  Write(".dml/schedule/slot-2.log", "of a slot that nobody knows");
  Program next = Start({"schedule", "daemon"});
  WaitUntil([&] { return std::ranges::none_of(left, [&](const auto& n) { return Exists(n); }); },
            "they are gone");
  EXPECT_TRUE(Exists(".dml/schedule/slot-2.log"));
  next.Signal(SIGTERM);
  EXPECT_EQ(next.Wait().code, 0);
}

TEST_F(Schedules, AScheduleWhoseFileIsInvalidSaysSo) {
  WriteTick("{cron: '0 0 1 1 *'}");
  ExpectAdded();
  const auto error = [&] { return RunJson({"schedule", "ls"}).at("schedules")[0].at("error"); };
  EXPECT_TRUE(error().is_null());
  const std::string good = Read("p.yaml");
  Write("p.yaml", good + "  - id: x\n    uses: load.csw\n");
  EXPECT_NE(error().get<std::string>().find("is invalid now: line "), std::string::npos) << error();
  const Finished list = Run({"schedule", "ls"});
  EXPECT_NE(list.err.find("load.csw"), std::string::npos) << list.err;
  ::unlink(Path("p.yaml").c_str());
  EXPECT_NE(error().get<std::string>().find("is gone"), std::string::npos) << error();
  Write("p.yaml", good);
  EXPECT_TRUE(error().is_null());
}

TEST_F(Schedules, OfTwoDaemonsOneIsAtWork) {
  WriteTick("{cron: '* * * * * *', overlap: queue_all}");
  ExpectAdded();
  Program first = Start({"schedule", "daemon"});
  WaitUntil([&] { return first.ErrorSoFar().find("at work") != std::string::npos; }, "at work");
  Program second = Start({"schedule", "daemon"});
  WaitUntil([&] { return second.ErrorSoFar().find("standing by") != std::string::npos; },
            "the second stands by");
  EXPECT_EQ(Run({"schedule", "daemon", "--if-none"}).code, 0);
  EXPECT_TRUE(RunJson({"schedule", "ls"}).at("daemon").get<bool>());
  first.Signal(SIGKILL);
  EXPECT_EQ(first.Wait().code, 137);
  WaitUntil([&] { return second.ErrorSoFar().find("at work") != std::string::npos; },
            "the second takes over");
  const int before = Count("succeeded");
  WaitUntil([&] { return Count("succeeded") > before; }, "slots go on");
  second.Signal(SIGTERM);
  EXPECT_EQ(second.Wait().code, 0);
  EXPECT_FALSE(RunJson({"schedule", "ls"}).at("daemon").get<bool>());
}

TEST_F(Schedules, FailuresPauseAndBackfillMakesGood) {
  WriteTick("{cron: '* * * * * *', pause_after_failures: 2, overlap: queue_all}", "exit 1");
  ExpectAdded();
  Program daemon = Start({"schedule", "daemon"});
  WaitUntil(
      [&] {
        return RunJson({"schedule", "ls"})["schedules"][0]["paused"].get<bool>();
      },
      "paused");
  const Json entry = RunJson({"schedule", "ls"})["schedules"][0];
  EXPECT_TRUE(entry["paused_reason"].get<std::string>().ends_with("failures in a row"));
  WaitUntil([&] { return Count("skipped") > 0; }, "slots pass");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);
  // The first that ran: a daemon that comes late leaves out what was due before.
  Json slots = Slots();
  std::erase_if(slots.get_ref<Json::array_t&>(),
                [](const Json& slot) { return slot.at("state") == "skipped"; });
  ASSERT_FALSE(slots.empty());
  EXPECT_EQ(slots.back().at("state"), "failed");
  EXPECT_TRUE(slots.back().at("reason").get<std::string>().ends_with("failed"));
  EXPECT_EQ(RunJson({"schedule", "resume", "tick"}).at("changed"), true);
}

TEST_F(Schedules, AChangedFileChangesTheSchedule) {
  WriteTick("{cron: '0 0 1 1 *'}");
  ExpectAdded();
  Program daemon = Start({"schedule", "daemon"});
  WaitUntil([&] { return daemon.ErrorSoFar().find("at work") != std::string::npos; }, "at work");
  WriteTick("{cron: '* * * * * *', overlap: queue_all}");
  WaitUntil([&] { return Count("succeeded") > 0; }, "the new rules hold");
  WriteTick("{cron: 'nonsense'}");
  WaitUntil([&] { return daemon.ErrorSoFar().find("invalid now") != std::string::npos; },
            "an invalid file is reported");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);
}

TEST_F(Schedules, ARemovedScheduleKeepsItsHistory) {
  WriteTick("{cron: '* * * * * *', overlap: queue_all}");
  ExpectAdded();
  Program daemon = Start({"schedule", "daemon"});
  WaitUntil([&] { return Count("succeeded") > 0; }, "a slot has run");
  EXPECT_TRUE(RunJson({"schedule", "rm", "tick"}).at("removed").get<bool>());
  EXPECT_TRUE(RunJson({"schedule", "ls"}).at("schedules").empty());
  WaitUntil([&] { return Count("running") + Count("starting") + Count("waiting") == 0; },
            "nothing is open");
  EXPECT_GT(Count("succeeded"), 0);
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().code, 0);
  const std::size_t of_removed = Slots().size();
  EXPECT_EQ(RunJson({"schedule", "history", "tick", "-n", "1000"}).at("slots").size(), of_removed);
  WriteTick("{cron: '0 0 1 1 *'}");
  ExpectAdded();
  EXPECT_EQ(RunJson({"schedule", "history", "tick", "-n", "1000"}).at("slots").size(), of_removed)
      << "one of that name before";
}

TEST_F(Schedules, TheTimeOfARunByHandIsTheLatestSlot) {
  WriteTick("{cron: '0 0 1 1 *', timezone: America/New_York}");
  EXPECT_EQ(Run({"run", "p.yaml", "--at", "2026-07-04T02:00"}).code, 0);
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  ASSERT_EQ(Trace().size(), 2U);
  EXPECT_EQ(Trace()[0], "2026-07-04T02:00:00-04:00");
  EXPECT_TRUE(Trace()[1].ends_with("-01-01T00:00:00-05:00")) << Trace()[1];
  const Finished wrong = Run({"run", "p.yaml", "--at", "yesterday"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("'yesterday' is not a time"), std::string::npos) << wrong.err;
}

TEST_F(Schedules, ANameAndAZoneOfTheCommandLineAreTaken) {
  WriteTick("{cron: '30 2 * * *', timezone: Asia/Tokyo}");
  const Json added =
      RunJson({"schedule", "add", "p.yaml", "--name", "nightly", "--timezone", "Europe/Berlin"});
  EXPECT_EQ(added.at("schedule"), "nightly");
  EXPECT_EQ(added.at("timezone"), "Europe/Berlin");
  const Json listed = RunJson({"schedule", "ls"}).at("schedules");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].at("schedule"), "nightly");
  EXPECT_EQ(listed[0].at("timezone"), "Europe/Berlin");
  for (const Json& slot : RunJson({"schedule", "next", "nightly"}).at("slots")) {
    EXPECT_NE(slot.at("local").get<std::string>().find("02:30"), std::string::npos) << slot;
  }
}

TEST_F(Schedules, MistakesAreNamed) {
  WriteTick("{cron: '61 * * * *', timezone: Europe/Berln}");
  const Finished invalid = Run({"validate", "p.yaml"});
  EXPECT_EQ(invalid.code, 2);
  EXPECT_NE((invalid.out + invalid.err).find("did you mean 'Europe/Berlin'?"), std::string::npos);
  EXPECT_NE((invalid.out + invalid.err).find("'61' is out of range"), std::string::npos);
  const Finished typo = Run({"schedule", "hisotry"});
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("did you mean 'history'?"), std::string::npos) << typo.err;
  EXPECT_EQ(Run({"schedule", "ls"}).code, 2) << "nothing is scheduled here";
  EXPECT_EQ(Run({"schedule"}).code, 2);
  EXPECT_EQ(Run({"schedule", "--help"}).code, 0);
  WriteTick("{cron: '0 2 * * *'}");
  ExpectAdded();
  const Finished name = Run({"schedule", "pause", "tik"});
  EXPECT_EQ(name.code, 2);
  EXPECT_NE(name.err.find("did you mean 'tick'?"), std::string::npos) << name.err;
  EXPECT_EQ(Run({"schedule", "backfill", "tick"}).code, 2) << "no --from";
}

}  // namespace
}  // namespace dml::e2e
