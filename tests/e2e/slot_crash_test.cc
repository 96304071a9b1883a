// A daemon, the process that it starts for a slot, and the run of that, killed at each of their
// crash points: the slot runs once, and is accounted for.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "base/process.h"
#include "orchestrator/state/database.h"
#include "tests/e2e/label_name.h"
#include "tests/e2e/program.h"
#include "tests/send_signal.h"

namespace dml::e2e {
namespace {

class SlotTest : public EndToEnd {
 protected:
  [[nodiscard]] Json Slot() const { return RunJson({"schedule", "history"}).at("slots")[0]; }
  // A slot of the first day of the year, which leaves a line in `trace`.
  void Backfill(const std::string& overlap = "skip") const {
    Write("p.yaml", "name: tick\nschedule: {cron: '0 0 1 1 *', overlap: " + overlap +
                        "}\nsteps:\n  - id: note\n    run: 'echo \"${schedule.time}\" >> " +
                        Path("trace") + "'\n");
    ASSERT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
    ASSERT_EQ(
        Run({"schedule", "backfill", "tick", "--from", "2026-01-01", "--to", "2026-01-01"}).code,
        0);
  }
  void ExpectRunOnce() const {
    WaitUntil([&] { return Slot().at("finished").is_string(); }, "the slot has ended");
    EXPECT_EQ(Slot().at("state"), "succeeded") << Slot().dump();
    EXPECT_EQ(Read("trace"), "2026-01-01T00:00:00Z\n") << "once";
    EXPECT_EQ(RunJson({"ls"}).at("runs").size(), 1U);
    EXPECT_EQ(Slot().at("run"), "r1");
  }
  static void End(Program& daemon) {
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait().code, 0);
  }
};

class SlotCrash : public SlotTest, public testing::WithParamInterface<std::string_view> {
 protected:
  // A start that nobody has heard of gets twenty seconds to appear: they pass.
  void LetTimePass() const {
    auto db = state::Database::Open(Path(".dml/schedule.db"), state::OpenMode::kReadWrite);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->Execute("UPDATE slots SET started_us = started_us - 30000000").ok());
  }
};

TEST_P(SlotCrash, IsSurvived) {
  const std::string label(GetParam());
  Backfill();
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
  ExpectRunOnce();
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
    End(*daemon);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryOne, SlotCrash, testing::ValuesIn(kScheduleCrashPoints), NameOfLabel);

// The run of a slot, before its slot knows of it and when it is over.
class RunOfSlotCrash : public SlotTest, public testing::WithParamInterface<std::string_view> {};

TEST_P(RunOfSlotCrash, IsGoneOnWithByItsSlot) {
  Backfill();
  StartOptions crash;
  crash.env = {"DML_CRASH_AT=" + std::string(GetParam()) + "@" + Path("crashed")};
  Program daemon = Start({"schedule", "daemon"}, crash);
  WaitUntil([&] { return Exists("crashed"); }, "it comes there");
  ExpectRunOnce();
  EXPECT_EQ(Slot().at("starts"), 1) << "its process was there all the time";
  EXPECT_EQ(RunJson({"ls"}).at("runs")[0].at("outcome"), "succeeded");
  End(daemon);
}

std::vector<std::string_view> OfTheRun() {
  std::vector<std::string_view> labels;
  std::ranges::copy_if(kCrashPoints, std::back_inserter(labels),
                       [](std::string_view label) { return label.starts_with("run."); });
  return labels;
}
INSTANTIATE_TEST_SUITE_P(EveryOne, RunOfSlotCrash, testing::ValuesIn(OfTheRun()), NameOfLabel);

// While it lives nobody of this home begins a run.
class ShutGate {
 public:
  explicit ShutGate(const std::string& home)
      : fd_(::open((home + "/locks/gate").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    EXPECT_EQ(::fcntl(fd_, F_OFD_SETLK, &lock), 0);
  }
  ~ShutGate() { ::close(fd_); }

 private:
  int fd_;
};

class SlotAlone : public SlotTest {
 protected:
  // The process that is to run the slot, once it is there.
  [[nodiscard]] int RunOf(int slot) const {
    const std::string children =
        "/proc/" + std::to_string(slot) + "/task/" + std::to_string(slot) + "/children";
    int run = 0;
    WaitUntil([&] { return static_cast<bool>(std::ifstream(children) >> run); }, "it has a child");
    return run;
  }
  [[nodiscard]] int ProcessOf(const char* start) const {
    WaitUntil(
        [&] { return Slot().at("starts") == std::stoi(start) && Exists(".dml/locks/slot-1"); },
        "its process is there");
    int pid = 0;
    WaitUntil(
        [&] {
          const Json owner =
              Exists(".dml/locks/slot-1")
                  ? Json::parse(Read(".dml/locks/slot-1"), nullptr, /*allow_exceptions=*/false)
                  : Json();
          pid = owner.is_object() ? owner.at("pid").get<int>() : 0;
          return pid != 0 && ::kill(pid, 0) == 0;
        },
        "it has its lock");
    return pid;
  }
};

// Its run waits at the gate and has no id that anybody could know it by.
TEST_F(SlotAlone, ThatIsKilledBeforeItsRunHasAnIdRunsOnce) {
  Backfill("allow");
  std::optional<ShutGate> gate(std::in_place, Path(".dml"));
  Program daemon = Start({"schedule", "daemon"});
  const int slot = ProcessOf("1");
  const int run = RunOf(slot);
  ::usleep(500'000);  // it has come to the gate
  ASSERT_TRUE(SendSignal(slot, SIGKILL));
  const int next = ProcessOf("2");
  EXPECT_NE(next, slot);
  (void)RunOf(next);
  ::usleep(500'000);
  EXPECT_FALSE(StartOf(run)) << "it would begin a run that nobody has asked for";
  gate.reset();
  ExpectRunOnce();
  End(daemon);
}

// A row that has run often before is not lost for that.
TEST_F(SlotAlone, ThatRanFiveTimesMayBeLostOnceMore) {
  Backfill();
  Program daemon = Start({"schedule", "daemon"});
  ExpectRunOnce();
  for (int round = 2; round <= 5; ++round) {
    ASSERT_EQ(Run({"schedule", "backfill", "tick", "--again", "--from", "2026-01-01", "--to",
                   "2026-01-01"})
                  .code,
              0);
    WaitUntil([&] { return Slot().at("starts") == round && Slot().at("finished").is_string(); },
              "it has run again");
  }
  std::optional<ShutGate> gate(std::in_place, Path(".dml"));
  ASSERT_EQ(
      Run({"schedule", "backfill", "tick", "--again", "--from", "2026-01-01", "--to", "2026-01-01"})
          .code,
      0);
  ASSERT_TRUE(SendSignal(ProcessOf("6"), SIGKILL));
  gate.reset();
  WaitUntil([&] { return Slot().at("finished").is_string(); }, "the slot has ended");
  EXPECT_EQ(Slot().at("state"), "succeeded") << Slot().dump();
  EXPECT_EQ(Slot().at("run"), "r6");
  End(daemon);
}

}  // namespace
}  // namespace dml::e2e
