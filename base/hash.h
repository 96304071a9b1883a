#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dml {

// A SHA-256 value: the name of a blob, of an artifact, of a cache key.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  [[nodiscard]] std::string Hex() const;
  // The first 12 hex digits, for people.
  [[nodiscard]] std::string Short() const { return Hex().substr(0, 12); }
  static Result<Digest> FromHex(std::string_view hex);
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// Incremental SHA-256 (FIPS 180-4). Move-only; Finish() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::span<const std::byte> bytes);
  void Update(std::string_view text);
  [[nodiscard]] Digest Finish();

  [[nodiscard]] static Digest Of(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The SHA-256 of a file's content, read in blocks: kEnvironment if it cannot be read, kInvalid if
// it is not a regular file, kCancelled within a block of `stop`.
Result<Digest> HashFile(const std::string& path, const std::stop_token& stop = {});

// Hashes a sequence of named fields. Each name and value is length-prefixed, so that no two
// different sequences share a byte stream.
class Fingerprint {
 public:
  Fingerprint& Add(std::string_view name, std::string_view value);
  Fingerprint& Add(std::string_view name, const Digest& value);
  [[nodiscard]] Digest Finish();

 private:
  Sha256 hash_;
};

}  // namespace dml
