// Tasks per second through the real run loop and store, every transition durable, with steps that
// do nothing: what dml itself costs. `bench_scheduler [tasks...]`, 1,000 10,000 100,000 by default.

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/engine/session.h"

namespace dml::engine {
namespace {

// Ends every attempt at once: no process, no output.
class NullRunner final : public runners::Runner {
 public:
  explicit NullRunner(runners::EventSink& sink) : sink_(sink) {}
  [[nodiscard]] runners::Capacity Total() const override { return {2, 0}; }
  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override {
    for (const auto& spec : batch) {
      runners::AttemptExited exit{spec.key, runners::ExitSuccess{}, Json::object(), {}, {}};
      exit.usage.wall = {20'000};
      sink_.Post(std::move(exit));
    }
    return {};
  }
  void Kill(runners::AttemptKey, runners::KillMode) override {}
  Result<runners::AttemptStatus> Find(runners::AttemptKey) override {
    return runners::AttemptStatus(runners::AttemptUnknown{});
  }
  void Shutdown() override {}

 private:
  runners::EventSink& sink_;
};

class Silence final : public RunObserver {
 public:
  void RunStarted(RunId, const pipelines::ExpandedPipeline&) override {}
  void TaskChanged(const TaskUpdate&) override {}
  void TaskProgress(TaskId, double, const std::string&) override {}
  void TaskWarned(TaskId, const std::string&) override {}
  void RunFinished(const RunResult&) override {}
};

// A hundred independent chains' worth of tasks: both width and depth.
pipelines::ExpandedPipeline Tasks(std::size_t count) {
  pipelines::ExpandedPipeline pipeline;
  pipeline.name = std::string("bench");
  pipeline.file = std::string("/bench.yaml");
  for (std::size_t i = 0; i < count; ++i) {
    pipelines::TaskDecl task;
    task.name = fmt::format("t@i={}", i);
    task.step = std::string("t");
    task.work = pipelines::NativeWork{std::string("noop"), 1, {{"i", i}}};
    if (i >= 100) task.needs.emplace_back(i - 100);
    pipeline.tasks.push_back(std::move(task));
  }
  return pipeline;
}

double Seconds(const Clock& clock, Instant start) { return (clock.Now() - start).seconds(); }

void Measure(const Home& home, std::size_t count) {
  const SystemClock clock;
  const auto pipeline = Tasks(count);
  Silence silence;
  for (const char* what : {"run", "cached"}) {
    const Instant start = clock.Now();
    RunSession session(home, pipeline, {}, clock, silence);
    NullRunner runner(session.events());
    const auto result = session.Run(runner);
    if (!result.ok()) {
      fmt::print("{}\n", result.error().Render());
      std::exit(1);
    }
    const double seconds = Seconds(clock, start);
    fmt::print("{:>8} tasks  {:<7} {:8.3f} s  {:9.0f} tasks/s  {} ran, {} reused\n", count, what,
               seconds, static_cast<double>(count) / seconds,
               result->count(core::TaskState::kSucceeded), result->count(core::TaskState::kReused));
  }
  const Instant start = clock.Now();
  const auto plan = MakePlan(home, pipeline, {}, clock);
  fmt::print("{:>8} tasks  plan    {:8.3f} s\n", count, Seconds(clock, start));
  const auto size = std::filesystem::file_size(home.DatabasePath());
  fmt::print("{:>8} tasks  store   {:8.1f} MB so far\n", count, static_cast<double>(size) / 1e6);
}

}  // namespace
}  // namespace dml::engine

int main(int argc, char** argv) {
  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("bench_scheduler_{}", std::rand());
  const auto home = dml::engine::Home::Open(folder, "/");
  if (!home.ok()) return 1;
  std::vector<std::size_t> counts;
  for (int i = 1; i < argc; ++i) counts.push_back(std::stoul(argv[i]));
  if (counts.empty()) counts = {1000, 10'000, 100'000};
  for (const std::size_t count : counts) dml::engine::Measure(*home, count);
  std::filesystem::remove_all(folder);
}
