#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

using Disk = EndToEnd;

// A limit on the size of files stands for a full disk: writes fail half-way, for the store, for
// logs and for outputs alike.
TEST_F(Disk, AFullDiskIsSaidAndLeavesNothingHalfWritten) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: big\n    outputs: {blob: blob}\n"
        "    run: 'head -c 50000000 /dev/zero > blob'\n");
  StartOptions small;
  small.file_size_max = 8'000'000;
  const Finished run = Run({"run", "p.yaml"}, small);
  EXPECT_TRUE(run.code == 1 || run.code == 3) << run.code << run.err;
  const Finished again = Run({"run", "p.yaml"});
  EXPECT_EQ(again.code, 0) << "the store is intact and the work is done later:\n" << again.err;
}

TEST_F(Disk, AHomeThatCannotBeWrittenIsAnInfrastructureError) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'true'}\n");
  Write("file", "not a folder");
  const Finished under_a_file = Run({"run", "p.yaml", "--home", "file/home"});
  EXPECT_EQ(under_a_file.code, 3) << under_a_file.err;
  EXPECT_NE(under_a_file.err.find("file/home"), std::string::npos) << under_a_file.err;
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  Write("locked/keep", "");
  ::chmod(Path("locked").c_str(), 0500);
  EXPECT_EQ(Run({"run", "p.yaml", "--home", "locked/home"}).code, 3);
}

}  // namespace
}  // namespace dml::e2e
