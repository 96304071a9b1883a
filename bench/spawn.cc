// Which way of starting a command is the fastest: that of runners/agent, without and with a limit
// of memory, posix_spawn, or the two launchers of Boost.Process v2, for a small process and for one
// that holds 512 MB. Every command is /bin/true in a process group of its own, two at a time, and
// is waited for with its resource use. `bench_spawn [count]`.

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/posix/vfork_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runners/agent/start_program.h"

namespace dml {
namespace {

namespace process = boost::process::v2;

constexpr const char* kProgram = "/bin/true";

struct OwnGroup {
  template <typename Launcher>
  process::error_code on_exec_setup(Launcher&, const process::filesystem::path&,
                                    const char* const*&) {
    ::setpgid(0, 0);
    return {};
  }
};

int BySpawn() {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string program = kProgram;
  char* argv[] = {program.data(), nullptr};
  pid_t pid = -1;
  if (posix_spawn(&pid, kProgram, nullptr, &attributes, argv, environ) != 0) pid = -1;
  posix_spawnattr_destroy(&attributes);
  return pid;
}

int ByAgent(std::int64_t memory_max) {
  agent::ProgramStart start;
  start.argv = {kProgram};
  for (char** entry = environ; *entry != nullptr; ++entry) start.env.emplace_back(*entry);
  start.memory_max = memory_max;
  int pid = -1;
  return agent::StartProgram(start, &pid) == 0 ? pid : -1;
}

template <typename Launcher>
int ByBoost() {
  static boost::asio::io_context context;
  Launcher launcher;
  process::error_code error;
  try {
    auto child = launcher(context.get_executor(), error, process::filesystem::path(kProgram),
                          std::vector<std::string>{}, OwnGroup{});
    if (error) return -1;
    // The handle would reap the child without its resource use.
    const int pid = static_cast<int>(child.id());
    child.detach();
    return pid;
  } catch (const std::exception& problem) {
    fmt::print("  {}\n", problem.what());
    return -1;
  }
}

void Measure(const char* name, const char* size, int count, const std::function<int()>& start) {
  const SystemClock clock;
  const Instant begin = clock.Now();
  int started = 0;
  for (int ended = 0; ended < count; ++ended) {
    for (; started < count && started < ended + 2; ++started) {
      if (start() >= 0) continue;
      fmt::print("{:<36} {:<7} fails after {} commands\n", name, size, started);
      while (::wait(nullptr) > 0) {
      }
      return;
    }
    int status = 0;
    rusage usage{};
    ::wait4(-1, &status, 0, &usage);
  }
  const double seconds = (clock.Now() - begin).seconds();
  fmt::print("{:<36} {:<7} {:7.0f} commands/s\n", name, size, count / seconds);
}

}  // namespace
}  // namespace dml

int main(int argc, char** argv) {
  namespace posix = dml::process::posix;
  const bool vfork = argc > 1 && std::string(argv[1]) == "--vfork";
  const int count = argc > 1 && !vfork ? std::atoi(argv[1]) : 3000;
  if (vfork) {
    dml::Measure("Boost.Process v2, vfork launcher", "small", count,
                 dml::ByBoost<posix::vfork_launcher>);
    return 0;
  }
  std::vector<char> ballast;
  for (const char* size : {"small", "512 MB"}) {
    dml::Measure("runners/agent", size, count, [] { return dml::ByAgent(0); });
    dml::Measure("runners/agent, limited memory", size, count,
                 [] { return dml::ByAgent(64 << 20); });
    dml::Measure("posix_spawn", size, count, dml::BySpawn);
    dml::Measure("Boost.Process v2, default launcher", size, count,
                 dml::ByBoost<posix::default_launcher>);
    ballast.assign(512U << 20, 'x');
  }
}
