#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

using Disk = EndToEnd;

// Makes the folder a disk of 2 MiB, in mounts that are this process's own. False where it may not.
bool MountSmall(const std::string& folder) {
  if (::unshare(CLONE_NEWNS) == 0 &&
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m") == 0) {
    return true;
  }
  EXPECT_EQ(errno, EPERM);
  std::cout << "no right to mount a small disk: only the limit on files is tested\n";
  return false;
}

// A limit on the size of files stands for a full disk: writes fail half-way, for the store, for
// logs and for outputs alike.
TEST_F(Disk, AFullDiskIsSaidAndLeavesNothingHalfWritten) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: big\n    outputs: {blob: blob}\n"
        "    run: 'head -c 50000000 /dev/zero > blob'\n");
  StartOptions small;
  small.file_size_max = 8'000'000;
  const Finished run = Run({"run", "p.yaml"}, small);
  EXPECT_EQ(run.code, 1) << "a command that failed: " << run.err;
  EXPECT_NE(run.err.find("File size limit exceeded"), std::string::npos)
      << "its own words: " << run.err;
  EXPECT_EQ(BlobsOf(Path(".dml")), std::set<std::string>()) << "nothing of it is kept";
  const Finished again = Run({"run", "p.yaml"});
  EXPECT_EQ(again.code, 0) << "the store is intact and the work is done later:\n" << again.err;
}

// A file where a folder should be: that stops root as well.
TEST_F(Disk, AHomeThatCannotBeWrittenIsAnInfrastructureError) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  Write("file", "not a folder");
  const Finished under_a_file = Run({"run", "p.yaml", "--home", "file/home"});
  EXPECT_EQ(under_a_file.code, 3) << under_a_file.err;
  EXPECT_NE(under_a_file.err.find("file/home"), std::string::npos) << under_a_file.err;
  EXPECT_NE(under_a_file.err.find("--home"), std::string::npos) << "a remedy";
  Write("home/runs", "a file where the runs should be");
  const Finished inside = Run({"run", "p.yaml", "--home", "home"});
  EXPECT_EQ(inside.code, 3) << inside.err;
  EXPECT_NE(inside.err.find("home/runs"), std::string::npos) << inside.err;
}

// For a while: the run that met it goes on when it is mended.
TEST_F(Disk, AFolderThatCannotBeMadeLeavesTheRunToBeResumed) {
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: a, cache: false, run: 'echo a >> " + Path("trace") + "; touch " +
            Path(".dml/runs/r1/b") +
            "'}\n  - {id: b, needs: a, outputs: {o: o}, retry: {backoff: 1ms, max_interval: 1ms}, "
            "run: 'echo b > o'}\n  - {id: c, needs: b, run: 'echo c >> " +
            Path("trace") + "'}\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["outcome"], "interrupted");
  EXPECT_EQ(States().at("b"), "failed");
  EXPECT_EQ(States().at("c"), "cancelled");
  fs::remove(Path(".dml/runs/r1/b"));
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "a\nc\n");
  EXPECT_EQ(Run({"resume"}).code, 2) << "it is done";
}

// Mounted read-only, or of another user.
TEST_F(Disk, AReadOnlyHomeCanBeReadAndNothingElse) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'echo hello; echo x > o', outputs: {o: o}}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"schedule", "add", "p.yaml", "--cron", "0 2 * * *"}).code, 0);
  const auto allow = [&](fs::perms perms) {
    for (const auto& entry : fs::recursive_directory_iterator(Path(".dml"))) {
      if (entry.is_directory()) fs::permissions(entry.path(), perms);
    }
    fs::permissions(Path(".dml"), perms);
  };
  const fs::perms read_only = fs::perms::owner_read | fs::perms::owner_exec;
  allow(read_only);
  StartOptions user;
  user.obeys_permissions = true;
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"run", "p.yaml"}, {"resume"}, {"cache", "gc"}}) {
    const Finished refused = Run(args, user);
    EXPECT_EQ(refused.code, 3) << refused.err;
    EXPECT_NE(refused.err.find("cannot write the folder"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("--home"), std::string::npos) << "a remedy";
  }
  EXPECT_EQ(Run({"logs", "a"}, user).out, "hello\n");
  EXPECT_EQ(Run({"status"}, user).code, 0);
  EXPECT_EQ(Run({"ls"}, user).code, 0);
  for (const auto& [args, answer] : std::map<std::vector<std::string>, std::string>{
           {{"plan", "p.yaml"}, "1 reused"},
           {{"cache", "ls"}, "1 result\n"},
           {{"cache", "verify"}, "all are what their names say"},
           {{"schedule", "ls"}, "UTC"},
           {{"schedule", "history"}, ""}}) {
    const Finished asked = Run(args, user);
    EXPECT_EQ(asked.code, 0) << asked.err;
    EXPECT_NE(asked.out.find(answer), std::string::npos) << asked.out;
  }
  for (const auto& blob : fs::recursive_directory_iterator(Path(".dml/store/blobs"))) {
    if (!blob.is_regular_file()) continue;
    fs::permissions(blob.path(), fs::perms::owner_all);
    std::ofstream(blob.path()) << "y\n";
  }
  const Finished damaged = Run({"cache", "verify"}, user);
  EXPECT_EQ(damaged.code, 3);
  EXPECT_NE(damaged.out.find("damaged, still there: "), std::string::npos) << damaged.out;
  allow(fs::perms::owner_all);
  EXPECT_EQ(Run({"run", "p.yaml"}, user).code, 0);
}

// Of another user, and closed: what cannot be seen is not called absent.
TEST_F(Disk, AHomeThatCannotBeReadIsNotCalledEmpty) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  fs::permissions(Path(".dml"), fs::perms::none);
  StartOptions user;
  user.obeys_permissions = true;
  for (const std::vector<std::string>& args : {std::vector<std::string>{"ls"},
                                               {"status"},
                                               {"explain", "a"},
                                               {"schedule", "ls"},
                                               {"cache", "ls"},
                                               {"plan", "p.yaml"},
                                               {"resume"}}) {
    const Finished refused = Run(args, user);
    EXPECT_EQ(refused.code, 3) << args.front() << ": " << refused.out << refused.err;
    EXPECT_NE(refused.err.find("ermission denied"), std::string::npos) << refused.err;
    EXPECT_EQ(refused.err.find("cannot create"), std::string::npos) << refused.err;
  }
  const Finished refused = Run({"run", "p.yaml"}, user);
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.err.find("--home"), std::string::npos) << "a remedy: " << refused.err;
  fs::permissions(Path(".dml"), fs::perms::owner_all);
}

// Native outputs: the step fails half-way, is tried again within dml's own budget, and the run
// ends with the code of an infrastructure failure. Nothing that was finished is lost.
TEST_F(Disk, AFullDiskUnderANativeStepExitsWith3AndTheWorkGoesOnLater) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: first, run: 'echo x >> " + Path("trace") +
                      "'}\n"
                      "  - id: big\n    needs: first\n    uses: generate.regression\n"
                      "    with: {n_samples: 200000, n_features: 20, seed: 1}\n"
                      "    retry: {limit: 0, backoff: 1ms, max_interval: 1ms}\n");
  StartOptions small;
  small.file_size_max = 8'000'000;
  const Finished run = Run({"run", "p.yaml"}, small);
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("File too large"), std::string::npos) << run.err;
  const Finished again = Run({"retry", "latest"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(Read("trace"), "x\n") << "what was finished was not lost";
}

// A small disk that is filled up while the run goes on: the database is the first that cannot grow.
TEST_F(Disk, AFullDiskUnderTheDatabaseStopsTheRunAndNothingIsLost) {
  fs::create_directory(Path("small"));
  if (!MountSmall(Path("small"))) return;
  Write("p.yaml", "name: n\nsteps:\n  - {id: first, run: 'echo x >> " + Path("trace") +
                      "'}\n  - {id: fill, needs: first, run: 'test -e " + Path("full") +
                      " || { touch " + Path("full") + "; cat /dev/zero > " + Path("small/all") +
                      "; true; }'}\n  - {id: last, needs: fill, run: 'true'}\n");
  const std::string home = Path("small/.dml");
  const std::string words = "error: the store '" + home +
                            "/dml.db' cannot grow: the file system at '" + Path("small") +
                            "' is full: 0 B of 2 MiB are free\n"
                            "  hint: free space there; `du -xhd1 " +
                            Path("small") + "` shows what takes it; then `dml resume` goes on\n";
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"run", "p.yaml"}, {"resume"}}) {
    std::vector<std::string> line = args;
    line.insert(line.end(), {"--home", home});
    const Finished stopped = Run(line);
    EXPECT_EQ(stopped.code, 3) << stopped.err;
    EXPECT_TRUE(stopped.err.ends_with(words)) << stopped.err;
  }
  EXPECT_EQ(Run({"status", "--home", home}).code, 0) << "it can be read";
  fs::remove(Path("small/all"));
  const Finished resumed = Run({"resume", "--home", home});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "x\n") << "what was finished was not lost";
  EXPECT_EQ(LeavingsOf(home), std::vector<std::string>());
  EXPECT_EQ(::umount2(Path("small").c_str(), MNT_DETACH), 0);
}

// A store on another disk than its home gets copies, and is the one that is full.
TEST_F(Disk, AFullDiskUnderASharedStoreIsCalledThat) {
  fs::create_directory(Path("small"));
  if (!MountSmall(Path("small"))) return;
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: first, run: 'echo x >> " + Path("trace") +
            "'}\n  - {id: big, needs: first, outputs: {o: o}, retry: {infrastructure_limit: 0}, "
            "run: 'head -c 3M /dev/urandom > o'}\n");
  StartOptions shared;
  shared.env = {"DML_CACHE=" + Path("small")};
  const Finished run = Run({"run", "p.yaml"}, shared);
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("the file system at '" + Path("small") + "' is full: "), std::string::npos)
      << run.err;
  EXPECT_EQ(BlobsOf(Path(".dml")), std::set<std::string>()) << "nothing of it is kept";
  ASSERT_EQ(::mount("tmpfs", Path("small").c_str(), "tmpfs", MS_REMOUNT, "size=8m"), 0);
  EXPECT_EQ(Run({"resume"}, shared).code, 0);
  EXPECT_EQ(Read("trace"), "x\n") << "what was finished was not lost";
  EXPECT_EQ(::umount2(Path("small").c_str(), MNT_DETACH), 0);
}

// However little room is left, and whichever file of the database it is too little for.
TEST_F(Disk, AFullDiskUnderTheSchedulesIsCalledThat) {
  fs::create_directory(Path("small"));
  if (!MountSmall(Path("small"))) return;
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  const std::string home = Path("small/.dml");
  ASSERT_EQ(Run({"run", "p.yaml", "--home", home}).code, 0);
  ASSERT_NE(std::system(("cat /dev/zero > " + Path("small/all") + " 2> " + Path("said")).c_str()),
            0);
  const std::uintmax_t all = fs::file_size(Path("small/all"));
  for (std::uintmax_t pages = 0; pages < 8; ++pages) {
    fs::resize_file(Path("small/all"), all - pages * 4096);
    const Finished refused = Run({"schedule", "add", "p.yaml", "--cron", "@daily", "--home", home});
    fs::remove_all(home + "/schedule.db");
    if (refused.code == 0) break;  // there was room
    EXPECT_EQ(refused.code, 3);
    EXPECT_NE(refused.err.find("the file system at '" + Path("small") + "' is full: "),
              std::string::npos)
        << pages << " pages are free: " << refused.err;
    EXPECT_EQ(refused.err.find("dml resume"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(::umount2(Path("small").c_str(), MNT_DETACH), 0);
}

// A limit on the size of files is no full disk for SQLite, but an error of the disk.
TEST_F(Disk, AnErrorOfTheDiskUnderTheDatabaseSaysWhatToLookAt) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'echo x >> " + Path("trace") +
                      "'}\n  - {id: b, needs: a, run: 'echo y >> " + Path("trace") + "'}\n");
  StartOptions small;
  small.file_size_max = 61'440;
  const Finished refused = Run({"run", "p.yaml"}, small);
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_EQ(refused.err, "error: the store '" + Path(".dml/dml.db") +
                             "': disk I/O error (File too large)\n"
                             "  hint: a limit on the size of files is in the way: see `ulimit -f`; "
                             "then `dml resume` goes on\n");
  EXPECT_FALSE(Exists("trace"));
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << "the home is as good as new:\n" << run.err;
  EXPECT_EQ(Read("trace"), "x\ny\n");
}

}  // namespace
}  // namespace dml::e2e
