#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace dml::learn {

// The ranks of one gang: processes or threads that fit one model together. Every rank makes the
// same calls in the same order, and every call waits for all ranks. Only exact reductions are
// offered: sums of doubles go through the merge tree of fit_loop.h, whose order is fixed, because
// no all-reduce promises an order. One object per rank, used by one thread at a time.
class Communicator {
 public:
  virtual ~Communicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  // Element-wise sums over all ranks, in place, on every rank.
  virtual Result<void> AllReduce(std::span<std::int64_t> values) = 0;
  // The bytes of rank 0, on every rank.
  virtual Result<void> Broadcast(std::vector<std::byte>& bytes) = 0;
  // On rank 0 the bytes of every rank, by rank; empty elsewhere.
  virtual Result<std::vector<std::vector<std::byte>>> Gather(std::span<const std::byte> bytes) = 0;
  virtual Result<void> Barrier() = 0;
};

}  // namespace dml::learn
