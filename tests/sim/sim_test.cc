// The simulation. `sim_test` runs the seeds 1..2000; `sim_test --seed=N` one of them again;
// `sim_test --seeds=N` so many; `sim_test --minutes=N` random ones for so long. `--trace` prints
// what happens.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <string_view>

#include "tests/sim/simulated_run.h"

namespace {

using dml::engine::Outcome;
using dml::engine::Scenario;
using dml::engine::SimCounts;
using dml::engine::SimulatedRun;

std::uint64_t first_seed = 1;
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DML_SIM_IS_SLOW
#endif
#endif
#if defined(DML_SIM_IS_SLOW)
// Each takes many times longer, and how many depends on the machine.
std::uint64_t last_seed = 200;
constexpr dml::Duration kSeedsTimeMax = dml::Duration::Seconds(45);
#else
std::uint64_t last_seed = 2000;
constexpr dml::Duration kSeedsTimeMax{0};  // all of them, however long it takes
#endif
dml::Duration time_limit{0};
bool trace = false;

// In memory where the system has that: the simulation keeps its own idea of what is durable.
std::string Folder() {
  std::error_code ignored;
  const bool memory = std::filesystem::is_directory("/dev/shm", ignored);
  return fmt::format("{}/dml_sim_{}", memory ? "/dev/shm" : testing::TempDir(), ::getpid());
}

std::vector<std::string> RunSeed(std::uint64_t seed, const std::string& folder, SimCounts& counts,
                                 bool all_kinds = true) {
  const auto run = [&](const Scenario& scenario, SimCounts& counted, Outcome& outcome) {
    std::filesystem::remove_all(folder);
    SimulatedRun simulation(seed, scenario, folder, counted);
    auto complaints = simulation.Run();
    outcome = simulation.outcome();
    return complaints;
  };
  const Scenario scenario = Scenario::From(seed, all_kinds);
  SimCounts uncounted;
  Outcome calm;
  Outcome disturbed;
  auto complaints = run(scenario.Undisturbed(), uncounted, calm);
  for (std::string& line : run(scenario, counts, disturbed)) complaints.push_back(line);
  if (scenario.unsteady) return complaints;
  for (const auto& [name, digest] : disturbed) {
    const auto same = calm.find(name);
    if (same == calm.end() || same->second != digest) {
      complaints.push_back(name + " is not what the undisturbed run made");
    }
  }
  return complaints;
}

TEST(Simulation, KeepsItsPromisesForEverySeed) {
  const std::string folder = Folder();
  const dml::SystemClock clock;
  const dml::Instant start = clock.Now();
  SimCounts counts;
  counts.trace = trace;
  std::uint64_t seeds = 0;
  for (std::uint64_t seed = first_seed; !HasFailure(); ++seed) {
    const dml::Duration passed = clock.Now() - start;
    const bool late = kSeedsTimeMax.ns > 0 && passed > kSeedsTimeMax;
    if (time_limit.ns > 0 ? passed > time_limit : seed > last_seed || late) break;
    ++seeds;
    for (const std::string& complaint : RunSeed(seed, folder, counts)) {
      ADD_FAILURE() << complaint << "; again with: sim_test --seed=" << seed;
    }
  }
  std::filesystem::remove_all(folder);
  fmt::print(
      "{} seeds in {:.1f} s: {} processes, {} deaths, {} of them with the machine and {} for want "
      "of "
      "a log, {} attempts, {} found again, {} commits done again, {} attempts without inputs, "
      "{} that hung, {} that went on after they were given up, {} tasks done again for what they "
      "had read, {} runs resumed that had ended for want of something, {} looks at files of a "
      "node, {} files written under way\n",
      seeds, (clock.Now() - start).seconds(), counts.lives, counts.crashes, counts.power_losses,
      counts.lost_logs, counts.attempts, counts.adopted, counts.retaken_commits, counts.lost_inputs,
      counts.hangs, counts.given_up, counts.outdated, counts.stranded, counts.looks, counts.shifts);
}

// What random seeds once found, and the first thousands do not.
TEST(Simulation, KeepsFindingWhatItFoundOnce) {
  struct Found {
    std::uint64_t seed;
    bool all_kinds;
  };
  constexpr Found kFound[] = {
      // A turn that was due before its clock.
      {1138178387, false},
      // A retry whose input was gone and could not be made again.
      {4172688043, false},
      // A failure that was taken up with its input still kept all others from starting.
      {4252415255, false},
      // A failure with a budget left, in a run that was about to end for want of a node, was final.
      {2777696953, true},
  };
  for (const auto& [seed, all_kinds] : kFound) {
    SimCounts counts;
    for (const std::string& complaint : RunSeed(seed, Folder(), counts, all_kinds)) {
      ADD_FAILURE() << complaint << " (seed " << seed << ")";
    }
  }
  std::filesystem::remove_all(Folder());
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto number = [&](std::string_view name) {
      return std::stoull(std::string(argument.substr(name.size())));
    };
    if (argument.starts_with("--seed=")) first_seed = last_seed = number("--seed=");
    if (argument.starts_with("--seeds=")) last_seed = number("--seeds=");
    if (argument == "--trace") trace = true;
    if (argument.starts_with("--minutes=")) {
      time_limit = dml::Duration::Seconds(60 * static_cast<std::int64_t>(number("--minutes=")));
      first_seed = std::random_device()();
    }
  }
  return RUN_ALL_TESTS();
}
