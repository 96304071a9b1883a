#pragma once

#include "cli/schedule/schedule_home.h"

namespace dml::cli {

// A slot that has ended needs the file with the id of its run no longer, nor its lock, nor, if it
// succeeded, what it said. Its process removes them; if that was killed on the way they are here.
// A slot that has not ended keeps all of it. Best effort: what cannot be removed stays.
void TidySlot(OpenedSchedules& schedules, state::SlotId slot);

// All slots of the home that have left something.
void TidySlots(OpenedSchedules& schedules);

}  // namespace dml::cli
