#include "orchestrator/schedule/backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace dml::schedule {

namespace {

using state::SlotRow;
using state::SlotState;

Result<std::vector<WallTime>> InstantsOf(const Policy& policy, const BackfillRequest& request) {
  std::vector<WallTime> instants;
  for (auto due = policy.timetable.Next({request.from.us - 1}); due && *due <= request.to;
       due = policy.timetable.Next(*due)) {
    if (instants.size() == kBackfillSlotsMax) {
      return Error::Invalid(
          fmt::format("there are more than {} slots in that time", kBackfillSlotsMax),
          "backfill it in parts");
    }
    instants.push_back(*due);
  }
  return instants;
}

// The part of a row for many that lies after `after`; an empty one has count 0.
SlotRow TailOf(const SlotRow& many, const Policy& policy, WallTime after) {
  SlotRow tail = many;
  tail.count = 0;
  for (auto due = policy.timetable.Next(after); due && *due <= many.last;
       due = policy.timetable.Next(*due)) {
    if (tail.count++ == 0) tail.due = tail.not_before = *due;
  }
  return tail;
}

// Takes the instants from `from` to `to` out of every row that stands for many.
Result<void> SplitRows(state::ScheduleStore& store, const std::vector<SlotRow>& rows,
                       const Policy& policy, WallTime from, WallTime to) {
  for (const SlotRow& row : rows) {
    if (row.last == row.due || row.last < from || to < row.due) continue;
    const SlotRow tail = TailOf(row, policy, to);
    SlotRow head = row;
    head.count = 0;
    for (WallTime due = row.due; due < from;) {
      ++head.count;
      head.last = due;
      const auto next = policy.timetable.Next(due);
      if (!next) break;
      due = *next;
    }
    DML_RETURN_IF_ERROR(store.Shorten(row.id, head.count > 0 ? head.last : row.due,
                                      std::max<std::int64_t>(head.count, 1)));
    if (tail.count > 0) {
      DML_TRY([[maybe_unused]] const int entered, store.AddSlots({tail}));
    }
  }
  return {};
}

}  // namespace

Result<BackfillPlan> Backfill(state::ScheduleStore& store, const state::ScheduleRow& schedule,
                              const Policy& policy, const BackfillRequest& request) {
  DML_TRY(std::vector<WallTime> instants, InstantsOf(policy, request));
  BackfillPlan plan;
  if (instants.empty()) return plan;
  DML_TRY(state::Transaction transaction, store.Begin());
  DML_TRY(const std::vector<SlotRow> rows,
          store.SlotsBetween(schedule.id, request.from, request.to));
  if (!request.dry_run) {
    DML_RETURN_IF_ERROR(SplitRows(store, rows, policy, instants.front(), instants.back()));
  }
  std::map<WallTime, SlotRow> known;
  for (const SlotRow& row : rows) known.emplace(row.due, row);
  if (request.newest_first) std::ranges::reverse(instants);
  DML_TRY(std::int64_t position, store.NextPosition());
  std::vector<SlotRow> fresh;
  for (const WallTime due : instants) {
    SlotRow row;
    row.schedule = schedule.id;
    row.due = row.last = row.not_before = due;
    row.origin = state::SlotOrigin::kBackfill;
    row.parallel = request.parallel;
    row.position = position++;
    const auto old = known.find(due);
    if (old == known.end()) {
      fresh.push_back(row);
    } else if (!IsFinal(old->second.state)) {
      ++plan.open;
      continue;
    } else if (old->second.state == SlotState::kSucceeded && !request.again) {
      ++plan.succeeded;
      continue;
    } else if (!request.dry_run) {
      DML_RETURN_IF_ERROR(store.Requeue(old->second.id, row));
    }
    ++plan.to_run;
  }
  if (request.dry_run) return plan;
  DML_TRY([[maybe_unused]] const int entered, store.AddSlots(fresh));
  DML_RETURN_IF_ERROR(transaction.Commit());
  return plan;
}

}  // namespace dml::schedule
