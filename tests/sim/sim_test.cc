// The simulation. `sim_test` runs the seeds 1..400; `sim_test --seed=N` one of them again;
// `sim_test --seeds=N` as many as there is time for.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/sim/simulated_run.h"

namespace {

std::uint64_t first_seed = 1;
std::uint64_t last_seed = 400;

TEST(Simulation, KeepsItsPromisesForEverySeed) {
  const std::string folder = testing::TempDir() + "/dml_sim";
  for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed) {
    std::filesystem::remove_all(folder);
    for (const std::string& complaint : dml::engine::SimulatedRun(seed, folder).Run()) {
      ADD_FAILURE() << complaint << "; again with: sim_test --seed=" << seed;
    }
    if (HasFailure()) break;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--seed=")) {
      first_seed = last_seed = std::stoull(std::string(argument.substr(7)));
    }
    if (argument.starts_with("--seeds=")) last_seed = std::stoull(std::string(argument.substr(8)));
  }
  return RUN_ALL_TESTS();
}
