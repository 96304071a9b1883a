// Databases with a page of garbage, wherever it is: what needs it says so, with what to do, and
// ends with code 3. Nobody takes garbage for an answer, and with the page back nothing is lost.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPage = 4096;

class Damage : public EndToEnd {
 protected:
  [[nodiscard]] static std::size_t PagesOf(const std::string& whole) {
    return whole.size() / kPage;
  }
  // The header of the file stays, which is in the first page.
  [[nodiscard]] static std::string Garbled(std::string whole, std::size_t page) {
    for (std::size_t i = std::max(page * kPage, std::size_t{100}); i < (page + 1) * kPage; ++i) {
      whole[i] = static_cast<char>(0xa5);
    }
    return whole;
  }
  // As if nothing else had ever been there.
  void Put(const std::string& database, const std::string& content) const {
    fs::remove(Path(database + "-wal"));
    fs::remove(Path(database + "-shm"));
    Write(database, content);
  }
  // Whether it failed, which must be because of this database, and say what to do.
  [[nodiscard]] bool Said(const Finished& finished, const std::string& database,
                          const std::string& hint) const {
    EXPECT_TRUE(finished.code == 0 || finished.code == 3) << finished.code << finished.err;
    if (finished.code == 0) return false;
    EXPECT_NE(finished.err.find("/" + database + "' is damaged: "), std::string::npos)
        << finished.err;
    EXPECT_NE(finished.err.find(hint + "\n"), std::string::npos) << finished.err;
    return true;
  }
};

TEST_F(Damage, OfEveryPageOfTheRunsIsSaid) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  std::string database = Read(".dml/dml.db");
  ASSERT_GT(database.size(), 2 * kPage);
  for (std::size_t i = 100; i < database.size(); ++i) database[i] = static_cast<char>(0xa5);
  Put(".dml/dml.db", database);
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_TRUE(Said(run, "dml.db", "move it away; finished outputs stay in store/blobs"));
}

TEST_F(Damage, OfOnePageOfTheRunsIsSaidByWhoNeedsIt) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: a\n    matrix: {i: [1, 2, 3, 4, 5, 6, 7, 8, 9]}\n"
        "    outputs: {o: o}\n    run: 'echo x >> " +
            Path("trace") + "; echo ${matrix.i} > o'\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  const std::string whole = Read(".dml/dml.db");
  int said = 0;
  for (std::size_t page = 0; page < PagesOf(whole); ++page) {
    SCOPED_TRACE("page " + std::to_string(page));
    Put(".dml/dml.db", Garbled(whole, page));
    const Finished run = Run({"run", "p.yaml"});
    said += Said(run, "dml.db", "move it away; finished outputs stay in store/blobs") ? 1 : 0;
  }
  EXPECT_GE(said, 5);
  Put(".dml/dml.db", whole);
  fs::remove(Path("trace"));
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_FALSE(Exists("trace")) << "everything is still known";
}

TEST_F(Damage, OfOnePageOfTheSchedulesIsSaidByWhoNeedsIt) {
  Write("p.yaml", "name: tick\nschedule: {cron: '0 0 * * *'}\nsteps:\n  - {id: a, run: 'true'}\n");
  ASSERT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
  ASSERT_EQ(
      Run({"schedule", "backfill", "tick", "--from", "2026-01-01", "--to", "2026-03-31"}).code, 0);
  const Json history = RunJson({"schedule", "history", "-n", "1000"});
  ASSERT_EQ(history.at("slots").size(), 90U);
  const std::string whole = Read(".dml/schedule.db");
  int said = 0;
  for (std::size_t page = 0; page < PagesOf(whole); ++page) {
    SCOPED_TRACE("page " + std::to_string(page));
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"schedule", "ls"},
          {"schedule", "history", "-n", "1000", "-o", "json"},
          {"schedule", "pause", "tick"},
          {"schedule", "backfill", "tick", "--from", "2025-01-01", "--to", "2025-01-02"}}) {
      Put(".dml/schedule.db", Garbled(whole, page));
      const Finished finished = Run(args);
      const std::string hint =
          "move it away and add the schedules again; runs and results are not in it";
      if (Said(finished, "schedule.db", hint)) {
        ++said;
      } else if (args[1] == "history") {
        EXPECT_EQ(Json::parse(finished.out, nullptr, /*allow_exceptions=*/false), history);
      }
    }
  }
  EXPECT_GE(said, 10);
  Put(".dml/schedule.db", whole);
  EXPECT_EQ(RunJson({"schedule", "history", "-n", "1000"}), history);
}

// It ends and says so, rather than do nothing for ever, also where the damage is in what it reads
// only once it is at work.
TEST_F(Damage, OfTheSchedulesEndsTheDaemon) {
  Write("p.yaml", "name: tick\nschedule: {cron: '0 0 * * *'}\nsteps:\n  - {id: a, run: 'true'}\n");
  ASSERT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
  const std::string whole = Read(".dml/schedule.db");
  int ended_at_work = 0;
  for (std::size_t page = 0; page < PagesOf(whole); ++page) {
    SCOPED_TRACE("page " + std::to_string(page));
    Put(".dml/schedule.db", Garbled(whole, page));
    Program daemon = Start({"schedule", "daemon"});
    std::optional<std::chrono::steady_clock::time_point> at_work;
    WaitUntil(
        [&] {
          const std::string said = daemon.ErrorSoFar();
          const auto now = std::chrono::steady_clock::now();
          if (!at_work && said.find("at work in") != std::string::npos) at_work = now;
          return said.find("error: ") != std::string::npos ||
                 (at_work && now - *at_work > std::chrono::milliseconds(1500));
        },
        "the daemon has had a look at its schedules");
    const std::string before = daemon.ErrorSoFar();
    if (before.find("error: ") == std::string::npos) daemon.Signal(SIGTERM);
    const Finished ended = daemon.Wait();
    const bool said =
        Said(ended, "schedule.db",
             "move it away and add the schedules again; runs and results are not in it");
    if (said && ended.err.find("at work in") != std::string::npos) ++ended_at_work;
  }
  EXPECT_GE(ended_at_work, 1);
}

// As the remedy says, while the daemon has not noticed anything.
TEST_F(Damage, MovingTheSchedulesAwayEndsTheDaemonThatHasThem) {
  Write("p.yaml", "name: tick\nschedule: {cron: '0 0 * * *'}\nsteps:\n  - {id: a, run: 'true'}\n");
  ASSERT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
  Program daemon = Start({"schedule", "daemon"});
  WaitUntil([&] { return daemon.ErrorSoFar().find("at work in") != std::string::npos; },
            "the daemon is at work");
  for (const char* name : {"schedule.db", "schedule.db-wal", "schedule.db-shm"}) {
    std::error_code ignored;
    fs::rename(Path(".dml/") + name, Path(name), ignored);
  }
  const Finished ended = daemon.Wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_NE(ended.err.find("schedule.db' were moved away"), std::string::npos) << ended.err;
}

TEST_F(Damage, OfOnePageOfASharedIndexLosesNothing) {
  Write("p.yaml", "name: n\nsteps:\n  - id: a\n    outputs: {o: o}\n    run: 'echo x >> " +
                      Path("trace") + "; echo good > o'\n");
  StartOptions shared;
  shared.env = {"DML_CACHE=" + Path("shared")};
  const auto run_in = [&](const std::string& home) {
    return Run({"run", "p.yaml", "--home", home}, shared);
  };
  ASSERT_EQ(run_in("one").code, 0);
  const std::string whole = Read("shared/index.db");
  int said = 0;
  for (std::size_t page = 0; page < PagesOf(whole); ++page) {
    SCOPED_TRACE("page " + std::to_string(page));
    const std::string home = "home" + std::to_string(page);
    Put("shared/index.db", Garbled(whole, page));
    const Finished run = run_in(home);
    if (Said(run, "index.db",
             "remove it: homes find each other's results by it, and it fills again")) {
      ++said;
      fs::remove(Path("shared/index.db"));
      fs::remove(Path("shared/index.db-wal"));
      fs::remove(Path("shared/index.db-shm"));
      const Finished again = run_in(home);
      EXPECT_EQ(again.code, 0) << again.err;
    }
  }
  EXPECT_GE(said, 1);
  fs::remove(Path("trace"));
  EXPECT_EQ(run_in("one").code, 0);
  EXPECT_FALSE(Exists("trace")) << "every home knows what it has";
}

}  // namespace
}  // namespace dml::e2e
