// What earlier runs say about how long a step takes.

#include <algorithm>
#include <utility>

#include "orchestrator/state/run_store_state.h"

namespace dml::state {

namespace {

constexpr std::int64_t kRunsMax = 4;
constexpr std::int64_t kSamplesMax = 64;  // of a step and run: its tasks are alike

struct Mean {
  double sum_ns = 0;
  std::int64_t count = 0;
};

// One run. The tasks of a step lie together, so that a run of a hundred thousand tasks is known
// after a few lookups.
class Sampler {
 public:
  Sampler(Statement step, Statement wall, std::int64_t run)
      : step_(std::move(step)), wall_(std::move(wall)), run_(run) {}

  Result<void> Run(std::map<std::string, Mean>& means) {
    std::int64_t task = 0;
    while (true) {
      DML_TRY(const std::optional<std::string> step, StepOf(task));
      if (!step) return {};
      DML_TRY(const std::int64_t end, EndOf(*step, task));
      const std::int64_t stride = std::max<std::int64_t>(1, (end - task) / kSamplesMax);
      for (; task < end; task += stride) DML_RETURN_IF_ERROR(Add(task, means[*step]));
      task = end;
    }
  }

 private:
  Result<std::optional<std::string>> StepOf(std::int64_t task) {
    DML_TRY(const bool found, step_.Bind(run_).Bind(task).Step());
    if (!found) return std::optional<std::string>();
    std::string step = step_.Text(0);
    DML_RETURN_IF_ERROR(step_.Step());
    return std::optional(std::move(step));
  }

  // The first task after `task` that belongs to another step, or is none.
  Result<std::int64_t> EndOf(const std::string& step, std::int64_t task) {
    std::int64_t inside = task;
    std::int64_t outside = task + 1;
    while (true) {
      DML_TRY(const auto other, StepOf(outside));
      if (other != step) break;
      const std::int64_t leap = 2 * (outside - inside);
      inside = outside;
      outside += leap;
    }
    while (outside - inside > 1) {
      const std::int64_t middle = inside + (outside - inside) / 2;
      DML_TRY(const auto other, StepOf(middle));
      (other == step ? inside : outside) = middle;
    }
    return outside;
  }

  Result<void> Add(std::int64_t task, Mean& mean) {
    DML_TRY(const bool found, wall_.Bind(run_).Bind(task).Step());
    if (!found) return {};
    mean.sum_ns += static_cast<double>(wall_.Int(0));
    ++mean.count;
    DML_RETURN_IF_ERROR(wall_.Step());
    return {};
  }

  Statement step_;
  Statement wall_;
  std::int64_t run_;
};

}  // namespace

Result<std::map<std::string, Duration>> RunStore::MeanDurations() {
  DML_TRY(Statement newest, state_->db.Prepare("SELECT id FROM runs ORDER BY id DESC LIMIT ?"));
  newest.Bind(kRunsMax);
  std::vector<std::int64_t> runs;
  while (true) {
    DML_TRY(const bool row, newest.Step());
    if (!row) break;
    runs.push_back(newest.Int(0));
  }
  std::map<std::string, Mean> means;
  for (const std::int64_t run : runs) {
    DML_TRY(Statement step,
            state_->db.Prepare("SELECT step FROM tasks WHERE run = ? AND task = ?"));
    DML_TRY(Statement wall,
            state_->db.Prepare("SELECT c.wall_ns FROM results r JOIN cache c ON c.key = r.key "
                               "WHERE r.run = ? AND r.task = ?"));
    DML_RETURN_IF_ERROR(Sampler(std::move(step), std::move(wall), run).Run(means));
  }
  std::map<std::string, Duration> durations;
  for (const auto& [step, mean] : means) {
    if (mean.count == 0) continue;
    const double average = mean.sum_ns / static_cast<double>(mean.count);
    durations.emplace(step, Duration{static_cast<std::int64_t>(average)});
  }
  return durations;
}

}  // namespace dml::state
