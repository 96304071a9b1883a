#pragma once

#include <algorithm>

#include "base/clock.h"

namespace dml::engine {

// How many short tasks to hand to workers ahead of free capacity, and how long to wait for more of
// their news, so that one transaction and one write carry many of them. Follows the observed
// duration of queueable tasks: enough to keep the workers busy for a few milliseconds, none once
// tasks are long.
class Prefetch {
 public:
  explicit Prefetch(int most) : most_(most) {}

  void Observe(Duration wall) {
    const double ns = static_cast<double>(std::max<std::int64_t>(wall.ns, kShortest.ns));
    mean_ns_ = mean_ns_ < 0 ? ns : mean_ns_ + kWeight * (ns - mean_ns_);
  }

  // For `cpus` workers; 0 until something was observed.
  [[nodiscard]] int Depth(double cpus) const {
    if (mean_ns_ < 0) return 0;
    const double depth = cpus * static_cast<double>(kAhead.ns) / mean_ns_;
    return static_cast<int>(std::min(depth, static_cast<double>(most_)));
  }

  // While `waiting` tasks are in the workers' lines, `cpus` workers cannot run dry for this long.
  [[nodiscard]] Duration Patience(double waiting, double cpus) const {
    if (mean_ns_ < 0 || waiting <= 0) return Duration{0};
    const double busy_ns = mean_ns_ * waiting / cpus;
    return {std::min(static_cast<std::int64_t>(busy_ns / 2), kLinger.ns)};
  }

 private:
  static constexpr Duration kAhead = Duration::Millis(40);
  static constexpr Duration kLinger = Duration::Millis(8);
  static constexpr Duration kShortest{10'000};
  static constexpr double kWeight = 0.05;

  int most_;
  double mean_ns_ = -1;
};

}  // namespace dml::engine
