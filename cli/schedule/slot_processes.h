#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/child.h"
#include "orchestrator/schedule/timekeeper.h"

namespace dml::cli {

// Slots as processes of this program: `dml schedule slot`, which holds the lock of its slot while
// it runs and outlives the daemon. Not thread-safe.
class SlotProcesses final : public schedule::SlotProcesses {
 public:
  explicit SlotProcesses(std::string home) : home_(std::move(home)) {}

  Result<void> Start(const state::ScheduleRow& schedule, const state::SlotRow& slot) override;
  schedule::Sighting Look(const state::SlotRow& slot) override;
  schedule::RunSighting LookAtRun(const state::ScheduleRow& schedule,
                                  const state::SlotRow& slot) override;
  bool Stop(const state::SlotRow& slot) override;

  // Forgets those that have ended, so that no zombies are left, and names their slots.
  std::vector<state::SlotId> Reap();
  [[nodiscard]] std::size_t running() const { return mine_.size(); }

 private:
  struct Mine {
    int starts = 0;
    Child child;
  };
  std::string home_;
  std::map<state::SlotId, Mine> mine_;
};

}  // namespace dml::cli
