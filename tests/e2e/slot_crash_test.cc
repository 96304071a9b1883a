// A daemon, and the process that it starts for a slot, killed at each of their crash points: the
// slot runs once, and is accounted for.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>

#include "base/crash_point.h"
#include "orchestrator/state/database.h"
#include "tests/e2e/label_name.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class SlotCrash : public EndToEnd, public testing::WithParamInterface<std::string_view> {
 protected:
  [[nodiscard]] Json Slot() const { return RunJson({"schedule", "history"}).at("slots")[0]; }
  // A start that nobody has heard of gets twenty seconds to appear: they pass.
  void LetTimePass() const {
    auto db = state::Database::Open(Path(".dml/schedule.db"), state::OpenMode::kReadWrite);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->Execute("UPDATE slots SET started_us = started_us - 30000000").ok());
  }
};

TEST_P(SlotCrash, IsSurvived) {
  const std::string label(GetParam());
  Write("p.yaml",
        "name: tick\nschedule: {cron: '0 0 1 1 *'}\nsteps:\n  - id: note\n"
        "    run: 'echo \"${schedule.time}\" >> " +
            Path("trace") + "'\n");
  ASSERT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
  ASSERT_EQ(
      Run({"schedule", "backfill", "tick", "--from", "2026-01-01", "--to", "2026-01-01"}).code, 0);
  StartOptions crash;
  crash.env = {"DML_CRASH_AT=" + label + "@" + Path("crashed")};
  Program first = Start({"schedule", "daemon"}, crash);
  WaitUntil([&] { return Exists("crashed"); }, "it comes there");
  const bool of_the_daemon = label == "slot.starting" || label == "slot.asked";
  if (of_the_daemon) {
    EXPECT_EQ(first.Wait().code, 128 + SIGKILL);
  }
  if (label == "slot.starting") {
    EXPECT_EQ(Slot().at("state"), "starting");
    EXPECT_FALSE(Exists("trace"));
    LetTimePass();
  }
  Program next = Start({"schedule", "daemon"});
  WaitUntil([&] { return Slot().at("state") == "succeeded"; }, "the slot has ended");
  EXPECT_EQ(Read("trace"), "2026-01-01T00:00:00Z\n") << "once";
  EXPECT_EQ(RunJson({"ls"}).at("runs").size(), 1U);
  EXPECT_EQ(Slot().at("run"), "r1");
  const bool again = label != "slot.asked" && label != "slot.ended";
  EXPECT_EQ(Slot().at("starts"), again ? 2 : 1);
  WaitUntil(
      [&] {
        return !Exists(".dml/schedule/slot-1.log") && !Exists(".dml/schedule/slot-1.run") &&
               !Exists(".dml/locks/slot-1");
      },
      "nothing of it is left");
  for (Program* daemon : {&first, &next}) {
    if (daemon == &first && of_the_daemon) continue;
    daemon->Signal(SIGTERM);
    EXPECT_EQ(daemon->Wait().code, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryOne, SlotCrash, testing::ValuesIn(kScheduleCrashPoints), NameOfLabel);

}  // namespace
}  // namespace dml::e2e
