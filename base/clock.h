#pragma once

#include <compare>
#include <cstdint>

namespace dml {

// Nanoseconds between two instants.
struct Duration {
  std::int64_t ns = 0;

  static constexpr Duration Millis(std::int64_t ms) { return {ms * 1'000'000}; }
  static constexpr Duration Seconds(std::int64_t s) { return {s * 1'000'000'000}; }
  [[nodiscard]] constexpr double seconds() const { return static_cast<double>(ns) * 1e-9; }
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
};

// A point on the boot-time clock, which never jumps and counts while the machine sleeps. All
// deadlines are Instants; they mean nothing on another machine or after a reboot.
struct Instant {
  std::int64_t ns = 0;

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }
};

// Microseconds since 1970-01-01 UTC: for people and for cron, never for deadlines.
struct WallTime {
  std::int64_t us = 0;
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

// The source of time. One real implementation, one virtual one in the simulation. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant Now() const = 0;
  [[nodiscard]] virtual WallTime Wall() const = 0;
};

// CLOCK_BOOTTIME and CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const override;
  [[nodiscard]] WallTime Wall() const override;
};

}  // namespace dml
