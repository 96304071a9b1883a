#include "base/clock.h"

#include <time.h>

namespace dml {

namespace {

std::int64_t ReadNanoseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Instant SystemClock::Now() const { return {ReadNanoseconds(CLOCK_BOOTTIME)}; }

WallTime SystemClock::Wall() const { return {ReadNanoseconds(CLOCK_REALTIME) / 1000}; }

}  // namespace dml
