#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace dml {

// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC11). A draw depends on (seed, purpose, counter) alone, so a row
// gets the same number whichever thread, partition or node asks for it.
class Philox {
 public:
  // `purpose` separates independent uses of one seed, such as "split" and "bootstrap".
  Philox(std::uint64_t seed, std::string_view purpose);

  // Four independent 32-bit words for a pair of counters, such as (row, tree).
  [[nodiscard]] std::array<std::uint32_t, 4> Words(std::uint64_t a, std::uint64_t b = 0) const;
  [[nodiscard]] std::uint64_t Bits(std::uint64_t a, std::uint64_t b = 0) const;
  // Uniform in [0, 1), 53 bits.
  [[nodiscard]] double Uniform(std::uint64_t a, std::uint64_t b = 0) const;
  // Uniform in [0, bound); bound > 0. Multiply-shift: bias below 2^-32 for bounds up to 2^32.
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound, std::uint64_t a,
                                    std::uint64_t b = 0) const;
  // Standard normal (Box-Muller on the four words).
  [[nodiscard]] double Normal(std::uint64_t a, std::uint64_t b = 0) const;

 private:
  std::array<std::uint32_t, 2> key_;
};

}  // namespace dml
