#include "plugins/table/csv/ledger.h"

#include <algorithm>

namespace dml::table {

Ledger::Ledger(std::vector<PartitionRange> ranges, std::vector<ColumnPlan> plans,
               std::uint64_t begin)
    : entries_(ranges.size()), plans_(std::move(plans)), expected_(begin) {
  for (std::size_t i = 0; i < ranges.size(); ++i) entries_[i].range = ranges[i];
}

std::optional<Ledger::Job> Ledger::Take() {
  std::unique_lock lock(mutex_);
  while (!failed_ && confirmed_ < entries_.size()) {
    std::size_t number = confirmed_;
    if (entries_[number].state != State::kWaiting) {
      while (first_waiting_ < entries_.size() &&
             entries_[first_waiting_].state != State::kWaiting) {
        ++first_waiting_;
      }
      number = first_waiting_;
    }
    if (number < entries_.size()) {
      Entry& entry = entries_[number];
      entry.state = State::kRunning;
      Job job{number, entry.range, std::nullopt, plans_};
      if (number == confirmed_) job.start = expected_;
      return job;
    }
    changed_.wait(lock);
  }
  return std::nullopt;
}

void Ledger::Post(std::size_t number, PartitionOutcome outcome) {
  const std::scoped_lock lock(mutex_);
  entries_[number].outcome = std::move(outcome);
  entries_[number].state = State::kRead;
  while (!failed_ && confirmed_ < entries_.size() && entries_[confirmed_].state == State::kRead) {
    Entry& entry = entries_[confirmed_];
    if (entry.outcome.start != expected_) {
      entry.state = State::kWaiting;
      break;
    }
    Confirm(entry.outcome);
  }
  changed_.notify_all();
}

void Ledger::Confirm(const PartitionOutcome& outcome) {
  if (outcome.problem) {
    problem_ = outcome.problem;
    problem_->record.row += rows_;
    failed_ = true;
    return;
  }
  for (std::size_t c = 0; c < plans_.size(); ++c) {
    plans_[c].type = JoinCellTypes(plans_[c].type, outcome.plans[c].type);
  }
  rows_ += outcome.rows;
  expected_ = outcome.end;
  ++confirmed_;
}

void Ledger::Fail(Error error) {
  const std::scoped_lock lock(mutex_);
  if (!error_) error_ = std::move(error);
  failed_ = true;
  changed_.notify_all();
}

double Ledger::Fraction() {
  const std::scoped_lock lock(mutex_);
  return static_cast<double>(confirmed_) / static_cast<double>(entries_.size());
}

Result<Ledger::Summary> Ledger::Finish() && {
  if (error_) return *std::move(error_);
  Summary summary{{}, std::move(plans_), std::move(problem_)};
  for (Entry& entry : entries_) summary.outcomes.push_back(std::move(entry.outcome));
  return summary;
}

}  // namespace dml::table
