#include "runners/node/checksum.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace dml::node {

namespace {

constexpr std::uint32_t kReversedPolynomial = 0x82f63b78;
constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
// [k][b]: what the byte b does to the checksum when k more bytes follow it.
using ByteEffects = std::array<std::array<std::uint32_t, 256>, kWordBytes>;

constexpr ByteEffects MakeByteEffects() {
  ByteEffects effects{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t effect = byte;
    for (int bit = 0; bit < 8; ++bit) {
      effect = effect >> 1 ^ ((effect & 1) != 0 ? kReversedPolynomial : 0);
    }
    effects[0][byte] = effect;
  }
  for (std::size_t k = 1; k < kWordBytes; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t nearer = effects[k - 1][byte];
      effects[k][byte] = nearer >> 8 ^ effects[0][nearer & 0xff];
    }
  }
  return effects;
}

constexpr ByteEffects kByteEffects = MakeByteEffects();

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] std::uint32_t Crc32cByInstruction(std::string_view bytes,
                                                            std::uint32_t before) {
  std::uint64_t crc = static_cast<std::uint32_t>(~before);
  for (; bytes.size() >= kWordBytes; bytes.remove_prefix(kWordBytes)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), kWordBytes);
    crc = _mm_crc32_u64(crc, word);
  }
  auto rest = static_cast<std::uint32_t>(crc);
  for (const char c : bytes) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(c));
  return ~rest;
}
#endif

}  // namespace

std::uint32_t Crc32cByTable(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (; bytes.size() >= kWordBytes; bytes.remove_prefix(kWordBytes)) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kWordBytes; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      const std::uint32_t state = i < sizeof crc ? crc >> (8 * i) : 0;
      next ^= kByteEffects[kWordBytes - 1 - i][(byte ^ state) & 0xff];
    }
    crc = next;
  }
  for (const char c : bytes) {
    crc = crc >> 8 ^ kByteEffects[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return ~crc;
}

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return Crc32cByInstruction(bytes, before);
#endif
  return Crc32cByTable(bytes, before);
}

}  // namespace dml::node
