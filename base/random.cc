#include "base/random.h"

#include <cmath>
#include <numbers>

namespace dml {

namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

__extension__ using Wide = unsigned __int128;

// FNV-1a, then a splitmix64 finaliser: spreads short purposes over the whole key.
std::uint64_t HashPurpose(std::string_view purpose) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (char c : purpose) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9ULL;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebULL;
  return h ^ (h >> 31);
}

double ToUniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

std::uint64_t Join(std::uint32_t high, std::uint32_t low) {
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

}  // namespace

Philox::Philox(std::uint64_t seed, std::string_view purpose) {
  const std::uint64_t key = seed ^ HashPurpose(purpose);
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

std::array<std::uint32_t, 4> Philox::Words(std::uint64_t a, std::uint64_t b) const {
  std::array<std::uint32_t, 4> x{static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(a >> 32),
                                 static_cast<std::uint32_t>(b),
                                 static_cast<std::uint32_t>(b >> 32)};
  std::uint32_t k0 = key_[0];
  std::uint32_t k1 = key_[1];
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t p0 = static_cast<std::uint64_t>(kMultiplier0) * x[0];
    const std::uint64_t p1 = static_cast<std::uint64_t>(kMultiplier1) * x[2];
    x = {static_cast<std::uint32_t>(p1 >> 32) ^ x[1] ^ k0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ x[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return x;
}

std::uint64_t Philox::Bits(std::uint64_t a, std::uint64_t b) const {
  const auto w = Words(a, b);
  return Join(w[0], w[1]);
}

double Philox::Uniform(std::uint64_t a, std::uint64_t b) const { return ToUniform(Bits(a, b)); }

std::uint64_t Philox::Below(std::uint64_t bound, std::uint64_t a, std::uint64_t b) const {
  return static_cast<std::uint64_t>((static_cast<Wide>(Bits(a, b)) * bound) >> 64);
}

double Philox::Normal(std::uint64_t a, std::uint64_t b) const {
  const auto w = Words(a, b);
  // 1 - u lies in (0, 1], which keeps the logarithm finite.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - ToUniform(Join(w[0], w[1]))));
  return radius * std::cos(2.0 * std::numbers::pi * ToUniform(Join(w[2], w[3])));
}

}  // namespace dml
