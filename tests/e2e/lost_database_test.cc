// Goal: a home whose database is gone, empty or moved away says so, and mixes nothing up; nor does
// it need a working directory to be found.

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

class LostDatabase : public EndToEnd {
 protected:
  LostDatabase() {
    Write("p.yaml",
          "name: n\nparams: {n: 0}\nsteps:\n  - {id: a, run: 'echo this is ${params.n}'}\n");
  }
};

// As the message about a damaged one advises.
TEST_F(LostDatabase, MovedAwayItsRunsKeepTheirNumbersAndLogs) {
  EXPECT_EQ(Run({"run", "-S", "n=1", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"run", "-S", "n=2", "p.yaml"}).code, 0);
  fs::rename(Path(".dml/dml.db"), Path("away.db"));
  EXPECT_EQ(Run({"run", "-S", "n=3", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"logs", "a"}).out, "this is 3\n");
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["run"], "r3");
  EXPECT_EQ(Run({"run", "-S", "n=4", "p.yaml"}).code, 0);
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["run"], "r4");
  EXPECT_EQ(Read(".dml/runs/r1/logs/a.1.log"), "this is 1\n");
}

// Nothing of it would ever be found again.
TEST_F(LostDatabase, RemovedUnderARunItEndsThatAsInfrastructure) {
  Write("q.yaml",
        "name: q\nsteps:\n  - {id: a, run: 'rm -f .dml/dml.db*'}\n  - {id: b, run: "
        "'echo x >> trace', needs: a}\n");
  const Finished run = Run({"run", "q.yaml"});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("dml.db' was removed, moved or replaced while it was in use"),
            std::string::npos)
      << run.err;
  EXPECT_EQ(run.err.find("] a  ok"), std::string::npos) << run.err;
  EXPECT_FALSE(Exists("trace")) << "nothing is begun that nobody can record";
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
}

TEST_F(LostDatabase, AnEmptyOneIsDamagedWhereThereWereRuns) {
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  fs::remove(Path(".dml/dml.db"));
  Write(".dml/dml.db", "");
  const Finished status = Run({"status"});
  EXPECT_EQ(status.code, 3);
  EXPECT_NE(status.err.find("dml.db' is damaged: it is empty"), std::string::npos) << status.err;
  EXPECT_EQ(Run({"resume"}).err, status.err);
  EXPECT_EQ(Run({"status"}).err, status.err) << "it has not become a new one";
  Write("new/dml.db", "");
  const Finished none = Run({"status", "--home", "new"});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("there are no runs"), std::string::npos) << none.err;
}

// An emptied one does not begin anew behind the back of whoever has results in it.
TEST_F(LostDatabase, NothingIsRunWithAnEmptyOneWhereThereWereRuns) {
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  fs::resize_file(Path(".dml/dml.db"), 0);
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"run", "p.yaml"}, {"plan", "p.yaml"}, {"resume"}, {"ls"}}) {
    SCOPED_TRACE(args[0]);
    const Finished refused = Run(args);
    EXPECT_EQ(refused.code, 3) << refused.out;
    EXPECT_NE(refused.err.find("dml.db' is damaged: it is empty\n  hint: move it away; finished "
                               "outputs stay in store/blobs\n"),
              std::string::npos)
        << refused.err;
    EXPECT_EQ(fs::file_size(Path(".dml/dml.db")), 0U) << "it has become a new one";
  }
  fs::rename(Path(".dml/dml.db"), Path("away.db"));
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0) << "as the hint says";
}

TEST_F(LostDatabase, WhoWasKilledWhileItMadeTheFirstOneIsNotInTheWay) {
  Write(".dml/dml.db", "");
  Write(".dml/schedule.db", "");
  fs::create_directories(Path(".dml/runs"));
  fs::create_directories(Path(".dml/schedule"));
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  Write("q.yaml", "name: tick\nschedule: {cron: '0 0 * * *'}\nsteps: [{id: a, run: 'true'}]\n");
  EXPECT_EQ(Run({"schedule", "add", "q.yaml"}).code, 0);
}

TEST_F(LostDatabase, EmptiedSchedulesAreNotForgottenInSilence) {
  Write("q.yaml", "name: tick\nschedule: {cron: '0 0 * * *'}\nsteps: [{id: a, run: 'true'}]\n");
  EXPECT_EQ(Run({"schedule", "add", "q.yaml"}).code, 0);
  fs::resize_file(Path(".dml/schedule.db"), 0);
  for (const std::vector<std::string>& args : {std::vector<std::string>{"schedule", "ls"},
                                               {"schedule", "daemon"},
                                               {"schedule", "add", "q.yaml"},
                                               {"schedule", "history"}}) {
    SCOPED_TRACE(args[1]);
    const Finished refused = Run(args);
    EXPECT_EQ(refused.code, 3) << refused.out;
    EXPECT_NE(refused.err.find("schedule.db' is damaged: it is empty\n  hint: move it away and add "
                               "the schedules again; runs and results are not in it\n"),
              std::string::npos)
        << refused.err;
  }
  fs::rename(Path(".dml/schedule.db"), Path("away.db"));
  EXPECT_EQ(Run({"schedule", "add", "q.yaml"}).code, 0) << "as the hint says";
  EXPECT_EQ(RunJson({"schedule", "ls"}).at("schedules").size(), 1U);
}

TEST_F(LostDatabase, AHomeNeedsNoWorkingDirectoryIfItsPathIsWhole) {
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  fs::create_directory(Path("gone"));
  Write("q.yaml", "name: q\nsteps:\n  - {id: a, run: 'cd " + Path("gone") +
                      " && rmdir ../gone && exec " + DML_BINARY_DIR + "/dml status r1'}\n");
  const Finished run = Run({"run", "q.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(Run({"logs", "a", "--run", "r2"}).out.find("succeeded"), std::string::npos);
}

}  // namespace
}  // namespace dml::e2e
