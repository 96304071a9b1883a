#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "plugins/table/csv/partition_reader.h"

namespace dml::table {

// Who reads which partition next, and what is known for certain. Partition k is confirmed once it
// was read from where partition k - 1 ended; only confirmed partitions say anything about types,
// because a wrong start makes text of numbers. Thread-safe until Finish().
class Ledger {
 public:
  Ledger(std::vector<PartitionRange> ranges, std::vector<ColumnPlan> plans, std::uint64_t begin);

  struct Job {
    std::size_t number = 0;
    PartitionRange range;
    std::optional<std::uint64_t> start;  // absent: to be guessed
    std::vector<ColumnPlan> plans;       // types of all that is confirmed
  };

  // The next partition to read, waiting if all are being read; nothing once the load is over.
  std::optional<Job> Take();
  void Post(std::size_t number, PartitionOutcome outcome);
  // Ends the load for everybody; the first error counts.
  void Fail(Error error);
  [[nodiscard]] double Fraction();

  struct Summary {
    std::vector<PartitionOutcome> outcomes;
    std::vector<ColumnPlan> plans;      // the join of all partitions, text forms open
    std::optional<CsvProblem> problem;  // the first in the text, its row counted from the first
  };
  Result<Summary> Finish() &&;

 private:
  enum class State { kWaiting, kRunning, kRead };
  struct Entry {
    PartitionRange range;
    State state = State::kWaiting;
    PartitionOutcome outcome;
  };

  void Confirm(const PartitionOutcome& outcome);

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::vector<Entry> entries_;
  std::vector<ColumnPlan> plans_;
  std::uint64_t expected_ = 0;  // start of the first unconfirmed partition
  std::size_t confirmed_ = 0;
  std::size_t first_waiting_ = 0;  // no entry before it waits, save the first unconfirmed one
  std::uint64_t rows_ = 0;         // in confirmed partitions
  bool failed_ = false;
  std::optional<CsvProblem> problem_;
  std::optional<Error> error_;
};

}  // namespace dml::table
