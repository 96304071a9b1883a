// Goal: what a process was started with is read whatever it does at that moment.

#include "runners/agent/process_environment.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

// Less than the seconds for which a process on its way is waited for.
constexpr Duration kNoWait{2'000'000'000};

class ProcessEnvironment : public ::testing::Test {
 protected:
  ~ProcessEnvironment() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    fs::remove(script_, ignored);
  }
  void Start(const char* program, const char* argument, const char* entry) {
    const char* const arguments[] = {program, argument, nullptr};
    const char* const environment[] = {entry, nullptr};
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ > 0) return;
    ::execve(program, const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
    ::_exit(127);
  }
  // A program that becomes itself, for ever.
  std::string Restless() {
    script_ = (fs::temp_directory_path() / ("restless" + std::to_string(::getpid()))).string();
    std::ofstream(script_) << "#!/bin/sh\nexec \"$0\"\n";
    ::chmod(script_.c_str(), 0700);
    return script_;
  }
  void WaitForProgram(const std::string& name) const {
    const std::string link = "/proc/" + std::to_string(pid_) + "/exe";
    std::error_code ignored;
    while (fs::read_symlink(link, ignored).filename().string().find(name) == std::string::npos) {
      ::usleep(1000);
    }
  }

  pid_t pid_ = 0;
  std::string script_;
};

// For about a tenth of that time the kernel shows it without an environment.
TEST_F(ProcessEnvironment, OfAProcessThatIsBecomingAnotherProgram) {
  const std::string entry = "MARK=of this test";
  const std::string program = Restless();
  ASSERT_NO_FATAL_FAILURE(Start(program.c_str(), nullptr, entry.c_str()));
  WaitForProgram("sh");
  constexpr int kLooks = 2000;
  for (int look = 0; look < kLooks; ++look) {
    const auto environment = EnvironmentOf(pid_);
    ASSERT_TRUE(environment.ok());
    ASSERT_NE(environment->find(entry), std::string::npos) << "look " << look;
  }
}

TEST_F(ProcessEnvironment, ThatIsEmptyIsNotWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(Start("/bin/sleep", "600", nullptr));
  WaitForProgram("sleep");
  const Instant start = SystemClock().Now();
  const auto environment = EnvironmentOf(pid_);
  EXPECT_LT(SystemClock().Now() - start, kNoWait);
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(*environment, "");
}

TEST_F(ProcessEnvironment, OfAProcessThatHasEndedIsNotWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(Start("/bin/true", nullptr, "A=b"));
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT), 0);
  const Instant start = SystemClock().Now();
  const auto zombie = EnvironmentOf(pid_);
  EXPECT_LT(SystemClock().Now() - start, kNoWait);
  EXPECT_TRUE(!zombie.ok() || zombie->empty());
  ASSERT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  EXPECT_FALSE(EnvironmentOf(pid_).ok());
  pid_ = 0;
}

}  // namespace
}  // namespace dml::agent
