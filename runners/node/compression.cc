#include "runners/node/compression.h"

#include <zstd.h>

#include <algorithm>

namespace dml::node {

namespace {

// The fastest of the ordinary levels: it keeps up with any line that is worth packing for.
constexpr int kLevel = 1;
// Until it is measured, and what a measurement that was disturbed recovers to.
constexpr double kPerSecondGuess = 300e6;
constexpr double kRecovery = 1.02;
constexpr double kNewShare = 0.25;
// A shorter time says more about the clock.
constexpr std::size_t kMeasuredBytesMin = 64U << 10;

void FreeContext(ZSTD_CCtx* context) { ZSTD_freeCCtx(context); }

}  // namespace

void LineRate::Took(std::size_t bytes, bool waits, Instant now) {
  if (!waits) return since_.reset();
  if (!since_) {
    // What went before filled the buffers.
    since_ = now;
    bytes_ = 0;
    return;
  }
  bytes_ += bytes;
  const Duration elapsed = now - *since_;
  if (elapsed < kWindow) return;
  per_second_ = static_cast<double>(bytes_) / elapsed.seconds();
  since_ = now;
  bytes_ = 0;
}

Compressor::Compressor() : context_(nullptr, FreeContext), per_second_(kPerSecondGuess) {}

Compressor::~Compressor() = default;

bool Compressor::Pays(std::size_t bytes, std::optional<double> line) {
  if (bytes < kPieceBytesMin) return false;
  if (!line) {
    unknown_bytes_ += bytes;
    return unknown_bytes_ <= kUnknownBytesMax;
  }
  if (*line * kTimesFaster <= per_second_) return true;
  per_second_ = std::min(per_second_ * kRecovery, std::max(per_second_, kPerSecondGuess));
  return false;
}

std::optional<std::string> Compressor::Pack(std::string_view piece, std::optional<double> line) {
  if (!Pays(piece.size(), line)) return std::nullopt;
  if (pause_ > 0) {
    --pause_;
    return std::nullopt;
  }
  if (!context_) context_.reset(ZSTD_createCCtx());
  const SystemClock clock;
  const Instant start = clock.Now();
  // Room for what is worthwhile, and no more: then zstd gives up as soon as it is not.
  std::string packed(static_cast<std::size_t>(kWorthwhile * static_cast<double>(piece.size())),
                     '\0');
  const std::size_t size = ZSTD_compressCCtx(context_.get(), packed.data(), packed.size(),
                                             piece.data(), piece.size(), kLevel);
  const double seconds = std::max(1e-9, (clock.Now() - start).seconds());
  if (piece.size() >= kMeasuredBytesMin) {
    per_second_ += kNewShare * (static_cast<double>(piece.size()) / seconds - per_second_);
  }
  if (ZSTD_isError(size) != 0) {
    pause_ = kPause;
    return std::nullopt;
  }
  packed.resize(size);
  return packed;
}

Result<std::string> Decompress(std::string_view packed, std::size_t bytes_max) {
  const Error nonsense = Error::Environment("a malformed message: a packed piece of a blob");
  // Of the first frame; what follows it finds no room.
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > bytes_max) {
    return nonsense;
  }
  std::string piece(static_cast<std::size_t>(size), '\0');
  const std::size_t got = ZSTD_decompress(piece.data(), piece.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != piece.size()) return nonsense;
  return piece;
}

}  // namespace dml::node
