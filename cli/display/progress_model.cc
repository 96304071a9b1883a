#include "cli/display/progress_model.h"

#include <algorithm>

namespace dml::cli {

double ProgressModel::StepPace::Mean(double fallback) const {
  if (measured > 0) return measured_s / static_cast<double>(measured);
  return expected_s >= 0 ? expected_s : fallback;
}

void ProgressModel::Begin(Instant now, const std::map<std::string, std::size_t>& tasks_per_step,
                          const std::map<std::string, Duration>& expected, double parallel) {
  *this = ProgressModel();
  began_ = now;
  parallel_ = std::max(1.0, parallel);
  for (const auto& [step, count] : tasks_per_step) {
    total_ += count;
    StepPace& pace = paces_[step];
    pace.left = count;
    const auto known = expected.find(step);
    if (known != expected.end()) pace.expected_s = known->second.seconds();
  }
}

void ProgressModel::Start(std::uint32_t task, const std::string& name, const std::string& step,
                          std::uint32_t attempt, Instant now) {
  running_[task] = {name, step, now, 0, "", attempt};
}

void ProgressModel::Report(std::uint32_t task, double fraction, const std::string& note) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  found->second.fraction = std::clamp(fraction, 0.0, 1.0);
  found->second.note = note;
}

void ProgressModel::Retry(std::uint32_t task) { running_.erase(task); }

void ProgressModel::End(std::uint32_t task, const std::string& step, Ending ending, Instant now) {
  ++done_;
  ++counts_[static_cast<std::size_t>(ending)];
  if (endings_.size() <= task) endings_.resize(task + 1);
  endings_[task] = ending;
  StepPace& pace = paces_[step];
  if (pace.left > 0) --pace.left;
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  if (ending == Ending::kSucceeded) {
    pace.measured_s += (now - found->second.started).seconds();
    ++pace.measured;
  }
  running_.erase(found);
}

void ProgressModel::Reopen(std::uint32_t task, const std::string& step) {
  --done_;
  --counts_[static_cast<std::size_t>(endings_[task])];
  ++paces_[step].left;
}

std::vector<ProgressModel::Running> ProgressModel::running() const {
  std::vector<Running> out;
  out.reserve(running_.size());
  for (const auto& [task, running] : running_) out.push_back(running);
  std::stable_sort(out.begin(), out.end(),
                   [](const Running& a, const Running& b) { return a.started < b.started; });
  return out;
}

double ProgressModel::MeanOfAll() const {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& [step, pace] : paces_) {
    const bool known = pace.measured > 0 || pace.expected_s >= 0;
    if (!known) continue;
    sum += pace.Mean(0);
    ++count;
  }
  return count == 0 ? -1 : sum / static_cast<double>(count);
}

Duration ProgressModel::Remaining(Instant now) const {
  const double fallback = MeanOfAll();
  if (fallback < 0) return {-1};
  double work_s = 0;
  for (const auto& [step, pace] : paces_) {
    work_s += static_cast<double>(pace.left) * pace.Mean(fallback);
  }
  double longest_s = 0;
  for (const auto& [task, running] : running_) {
    const double elapsed_s = (now - running.started).seconds();
    const auto pace = paces_.find(running.step);
    const double mean_s = pace == paces_.end() ? fallback : pace->second.Mean(fallback);
    const double whole_s = running.fraction > 0.02 ? elapsed_s / running.fraction : mean_s;
    const double left_s = std::max(0.0, whole_s - elapsed_s);
    work_s += left_s - mean_s;  // it was counted whole above
    longest_s = std::max(longest_s, left_s);
  }
  return {static_cast<std::int64_t>(std::max({0.0, work_s / parallel_, longest_s}) * 1e9)};
}

}  // namespace dml::cli
