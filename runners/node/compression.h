#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

struct ZSTD_CCtx_s;

namespace dml::node {

// How fast a line takes bytes while more wait for it. Single-threaded.
class LineRate {
 public:
  // Below this, what the line takes says more about buffers than about the line.
  static constexpr Duration kWindow = Duration::Millis(20);

  // It took so many bytes since the last call; `waits`: and takes no more now.
  void Took(std::size_t bytes, bool waits, Instant now);
  // Bytes a second; nothing as long as nobody had to wait for it.
  [[nodiscard]] std::optional<double> per_second() const { return per_second_; }

 private:
  std::optional<Instant> since_;
  std::size_t bytes_ = 0;
  std::optional<double> per_second_;
};

// Decides, piece by piece, whether the pieces of blobs on one connection travel packed (zstd): only
// if packing is at least twice as fast as the line, as measured, and only what gets smaller by a
// tenth. Of data that does not, a piece is tried now and then. Single-threaded.
class Compressor {
 public:
  static constexpr double kWorthwhile = 0.9;
  static constexpr double kTimesFaster = 2;
  // After a piece that did not get smaller, so many are not tried.
  static constexpr int kPause = 15;
  // So many bytes are packed before the rate of the line is known: what a slow line takes for a
  // long time may all fit into the buffers on the way.
  static constexpr std::size_t kUnknownBytesMax = 8U << 20;
  // Smaller pieces are not worth it.
  static constexpr std::size_t kPieceBytesMin = 512;

  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Nothing: it travels as it is. `line`: LineRate::per_second().
  [[nodiscard]] std::optional<std::string> Pack(std::string_view piece, std::optional<double> line);

 private:
  [[nodiscard]] bool Pays(std::size_t bytes, std::optional<double> line);

  std::unique_ptr<ZSTD_CCtx_s, void (*)(ZSTD_CCtx_s*)> context_;
  double per_second_;
  std::size_t unknown_bytes_ = 0;
  int pause_ = 0;
};

// kEnvironment if it is not one whole packed piece of at most `bytes_max`.
Result<std::string> Decompress(std::string_view packed, std::size_t bytes_max);

}  // namespace dml::node
