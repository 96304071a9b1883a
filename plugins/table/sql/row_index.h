#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/sql/resident_columns.h"

namespace dml::sql {

// What an index may use.
struct IndexOptions {
  std::string scratch_dir;        // where it lies, mapped, if it is larger than its share of memory
  std::int64_t memory_bytes = 0;  // budget of the step; 0: none stated
  std::stop_token stop;
};

// The rows of a table by the hash of their key: chains in row order, 12 to 20 bytes a row. Rows
// whose key has a missing cell can be left out, as SQL's joins do. Immutable, thread-safe.
class RowIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  enum class Missing { kSkip, kKeep };

  // kInvalid beyond 2^32 - 1 rows.
  static Result<RowIndex> Build(const ResidentColumns& keys, Missing missing,
                                const IndexOptions& options);
  RowIndex(RowIndex&&) noexcept;
  RowIndex& operator=(RowIndex&&) noexcept;
  ~RowIndex();

  // The first row whose hash is `hash`, and the one after `row`; kNone ends.
  [[nodiscard]] std::uint32_t First(std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t Next(std::uint32_t row) const;

 private:
  class Numbers;
  RowIndex();

  std::unique_ptr<Numbers> heads_;   // by bucket
  std::unique_ptr<Numbers> next_;    // by row
  std::unique_ptr<Numbers> hashes_;  // by row: the upper half
  std::uint64_t mask_ = 0;
};

// The hashes of the keys of a batch, and by row whether a cell of the key is missing.
struct KeyHashes {
  std::vector<std::uint64_t> hashes;
  std::vector<std::uint8_t> incomplete;
};
[[nodiscard]] KeyHashes HashKeys(const table::Batch& batch);

}  // namespace dml::sql
