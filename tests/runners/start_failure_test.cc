#include "runners/agent/start_failure.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "runners/agent/command_files.h"

namespace dml::agent {
namespace {

// Whatever gives a command a work folder: a program that did not start for want of it is not the
// one to blame.
TEST(StartFailure, AWorkFolderThatIsGoneIsNamed) {
  for (int why = 0; why < 3; ++why) {
    runners::Command command;
    command.argv = {"true"};
    command.work_dir = "/no/such/folder";
    EXPECT_FALSE(UsesWorkFolder(command));
    if (why == 0) command.own_folder = true;
    if (why == 1) command.inputs = {{"i", "i.txt"}};
    if (why == 2) command.outputs = {{"o", "o.txt"}};
    EXPECT_TRUE(UsesWorkFolder(command));
    EXPECT_EQ(WhyNotStarted(command, "/dev/null", ENOENT).error.message,
              "its work folder '/no/such/folder' is gone");
  }
}

}  // namespace
}  // namespace dml::agent
