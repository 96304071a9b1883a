#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/schedule/timetable.h"

namespace dml::schedule {

// Which of the slots are made up that passed while nobody was there to run them.
enum class Catchup { kNone, kLatest, kAll };
// What happens to a slot that is due while an earlier one of the same schedule runs.
enum class Overlap { kSkip, kQueueOne, kQueueAll, kCancelPrevious, kAllow };

// The rules of one schedule; see docs/schedules.md. A value.
struct Policy {
  Timetable timetable;
  Catchup catchup = Catchup::kLatest;
  Duration catchup_window{0};  // older slots are not made up; 0: no such limit
  int catchup_max = 100;       // of `all`: the newest so many
  Overlap overlap = Overlap::kSkip;
  Duration start_deadline{0};  // later than this a slot is skipped; 0: never
  Duration jitter{0};
  int pause_after_failures = 0;  // in a row; 0: never
};

// From `schedule:` as pipelines::ScheduleSpecs() binds it. kInvalid if the cron expression or the
// time zone is wrong, or if there is neither or both of cron and every.
Result<Policy> ReadPolicy(const Json& bound);

// Whether the text of `cron` or `timezone` means something: pipelines::ScheduleChecker.
Result<void> CheckKey(const std::string& key, const std::string& text);

}  // namespace dml::schedule
