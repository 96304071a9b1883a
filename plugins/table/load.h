#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/schema.h"

namespace dml::table {

// How a reader may use the machine. Nothing here changes a bit of the table.
struct LoadExecution {
  int threads = 1;
  std::int64_t memory_bytes = 0;  // budget; 0: none stated. Fewer threads run when it is small
  std::stop_token stop;           // asked between partitions
  std::function<void(double fraction, const std::string& note)> progress;  // may be empty
};

// What a reader found.
struct LoadReport {
  Schema schema;
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> partition_rows;
  std::int64_t bytes = 0;              // of text, decompressed
  std::vector<std::uint64_t> missing;  // per column
  std::vector<std::string> warnings;   // full sentences for people
};

// A table is read through one memory map a partition, and a process has about 65,000 of them for
// all its tables.
inline constexpr std::uint64_t kPartitionsMax = 20'000;

// kInvalid, naming `remedy`, if a table would have more partitions than that.
Result<void> CheckPartitionCount(std::uint64_t count, const std::string& remedy);

// How a text is cut into partitions. Boundaries depend on the data and on this alone: partition p
// holds the records that start in bytes [p * size, (p + 1) * size) of the (decompressed) text.
struct Partitioning {
  enum class Kind { kAuto, kCount, kBytes };
  Kind kind = Kind::kAuto;  // kAuto: 32 MiB each
  std::int64_t value = 0;   // kCount: how many, in equal ranges; kBytes: bytes per partition

  // "auto", "8" (a number of partitions) or "64Mi" (a size).
  static Result<Partitioning> Parse(const std::string& text);
};

}  // namespace dml::table
