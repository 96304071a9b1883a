// A worker whose "steps" do to it what steps do to workers.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/memory_refused.h"
#include "runners/agent/spawn.h"
#include "runners/agent/worker_loop.h"

namespace {

using dml::Error;
using dml::Result;
using dml::runners::LaunchSpec;
using dml::runners::NativeStep;
using dml::runners::TaskOutcome;

void WaitForStop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
}

// Returns once four attempts are here at the same time.
void Meet(const LaunchSpec& spec) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(spec.attempt_dir) / ("meet" + std::to_string(::getppid()));
  fs::create_directories(folder);
  std::ofstream(folder / std::to_string(spec.key.task.index())).flush();
  while (std::distance(fs::directory_iterator(folder), fs::directory_iterator()) < 4) {
    std::this_thread::yield();
  }
}

class Mischief final : public dml::runners::TaskExecutor {
 public:
  Result<void> CheckOutputs(const LaunchSpec&) override { return {}; }
  Result<TaskOutcome> Execute(const LaunchSpec& spec, dml::runners::TaskMonitor& monitor,
                              std::stop_token stop) override {
    const NativeStep& step = std::get<std::vector<NativeStep>>(spec.work).front();
    if (step.uses == "fail") return Error::Invalid("bad input", "fix it").At("data.csv:3");
    if (step.uses == "throw") throw std::runtime_error("surprise");
    if (step.uses == "crash") {
      ::signal(SIGSEGV, SIG_DFL);  // a sanitizer would turn it into an exit
      ::raise(SIGSEGV);
    }
    if (step.uses == "exit") std::_Exit(7);
    if (step.uses == "memory") throw std::bad_alloc();
    if (step.uses == "memory for trees") {
      throw dml::MemoryRefused("trees of 200 rows need about 3 GiB", "fewer columns need less");
    }
    if (step.uses == "memory of a thread") std::jthread([] { throw std::bad_alloc(); });
    if (step.uses == "log") monitor.Log("hello from the step");
    if (step.uses == "progress") monitor.Progress(0.5, "half");
    if (step.uses == "obey") {
      WaitForStop(stop);
      return Error::Cancelled("stopped");
    }
    if (step.uses == "hang") WaitForStop({});
    if (step.uses == "meet") Meet(spec);
    if (step.uses == "nap") std::this_thread::sleep_for(std::chrono::milliseconds(20));
    TaskOutcome outcome;
    outcome.metrics = {{"echo", step.params}};
    outcome.warnings = {"mind the gap"};
    return outcome;
  }
};

}  // namespace

int main() {
  Mischief executor;
  return dml::agent::ServeWorker(dml::agent::kWorkerFd, executor);
}
