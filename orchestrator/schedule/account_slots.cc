#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/quantity.h"
#include "base/random.h"
#include "orchestrator/schedule/slot_planner.h"

namespace dml::schedule {

namespace {

using state::SlotOrigin;
using state::SlotRow;
using state::SlotState;

constexpr WallTime operator+(WallTime time, Duration span) { return {time.us + span.ns / 1000}; }
constexpr WallTime operator-(WallTime time, Duration span) { return {time.us - span.ns / 1000}; }

// How many of the newest missed slots the policy may want to make up.
std::size_t MadeUpMax(const Policy& policy, bool paused) {
  if (paused || policy.catchup == Catchup::kNone) return 0;
  return policy.catchup == Catchup::kLatest ? 1 : static_cast<std::size_t>(policy.catchup_max);
}

SlotRow Row(const Policy& policy, const state::ScheduleRow& schedule, WallTime due,
            SlotOrigin origin) {
  SlotRow row;
  row.schedule = schedule.id;
  row.due = due;
  row.last = due;
  row.origin = origin;
  row.not_before = due + JitterOf(schedule.id, due, policy.jitter);
  return row;
}

// Why a missed slot is not made up; "" if it is. `newer` slots have come since.
std::string WhyNotMadeUp(const Policy& policy, WallTime due, std::size_t newer, WallTime now,
                         WallTime there_since) {
  if (policy.catchup == Catchup::kNone) {
    return due < there_since ? "missed: no daemon was there, catchup is none"
                             : fmt::format(
                                   "missed: the daemon was more than {} late, catchup is "
                                   "none",
                                   FormatDuration(kPunctual));
  }
  if (policy.catchup == Catchup::kLatest && newer > 0) {
    return "missed: only the latest slot is made up";
  }
  if (policy.catchup_window.ns > 0 && due < now - policy.catchup_window) {
    return "missed: older than the catchup window of " + FormatDuration(policy.catchup_window);
  }
  if (policy.catchup == Catchup::kAll && newer >= static_cast<std::size_t>(policy.catchup_max)) {
    return policy.catchup_max == 1
               ? "missed: only the newest slot is made up"
               : fmt::format("missed: only the newest {} slots are made up", policy.catchup_max);
  }
  return {};
}

// Long stretches of rows that say the same become one.
std::vector<SlotRow> Folded(std::vector<SlotRow> rows) {
  std::vector<SlotRow> out;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t end = first + 1;
    const auto same = [&](const SlotRow& row) {
      return row.state == SlotState::kSkipped && row.reason == rows[first].reason;
    };
    while (end < rows.size() && same(rows[first]) && same(rows[end])) ++end;
    if (end - first > kSkippedRowsMax) {
      SlotRow many = std::move(rows[first]);
      many.last = rows[end - 1].due;
      many.count = static_cast<std::int64_t>(end - first);
      out.push_back(std::move(many));
    } else {
      std::move(rows.begin() + static_cast<std::ptrdiff_t>(first),
                rows.begin() + static_cast<std::ptrdiff_t>(end), std::back_inserter(out));
    }
    first = end;
  }
  return out;
}

}  // namespace

Duration JitterOf(state::ScheduleId schedule, WallTime due, Duration jitter) {
  if (jitter.ns < 1000) return Duration{0};
  const Philox random(static_cast<std::uint64_t>(schedule.value), "schedule jitter");
  const auto us = random.Below(static_cast<std::uint64_t>(jitter.ns / 1000),
                               static_cast<std::uint64_t>(due.us));
  return Duration{static_cast<std::int64_t>(us) * 1000};
}

Accounting AccountSlots(const Policy& policy, const state::ScheduleRow& schedule, WallTime now,
                        WallTime there_since) {
  Accounting out;
  out.cursor = now;
  if (now < schedule.cursor) {
    out.rewind = true;
    return out;
  }
  std::vector<WallTime> due;
  std::optional<WallTime> next = policy.timetable.Next(schedule.cursor);
  for (; next && *next <= now && due.size() < kSlotsPerStepMax;
       next = policy.timetable.Next(*next)) {
    due.push_back(*next);
  }
  std::size_t known_newer = 0;
  if (next && *next <= now) {
    // The newest of these may still be wanted: they are read again with those that follow.
    out.complete = false;
    known_newer = MadeUpMax(policy, schedule.paused);
    due.resize(due.size() - known_newer);
    out.cursor = due.back();
  }
  std::vector<SlotRow> rows;
  for (std::size_t i = 0; i < due.size(); ++i) {
    const bool missed = due[i] < there_since || due[i] < now - kPunctual;
    SlotRow row =
        Row(policy, schedule, due[i], missed ? SlotOrigin::kCatchup : SlotOrigin::kOnTime);
    if (schedule.paused) {
      row.reason = "paused: " + schedule.paused_reason;
    } else if (missed) {
      row.reason = WhyNotMadeUp(policy, due[i], due.size() - 1 - i + known_newer, now, there_since);
    }
    if (!row.reason.empty()) {
      row.state = SlotState::kSkipped;
      row.origin = SlotOrigin::kOnTime;
    }
    rows.push_back(std::move(row));
  }
  out.rows = Folded(std::move(rows));
  return out;
}

}  // namespace dml::schedule
