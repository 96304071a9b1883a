#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace dml::core {

// Where a task is in its life. The numbers are on disk: never renumber.
enum class TaskState : std::uint8_t {
  kBlocked = 0,     // waits for producers
  kReady = 1,       // could run now; waits for a decision or for capacity
  kLaunching = 2,   // the attempt is recorded, the runner may or may not have it
  kRunning = 3,     // the runner said so
  kCommitting = 4,  // the attempt succeeded; its outputs are on their way into the store
  kBackoff = 5,     // failed, waits before the next attempt
  kSucceeded = 6,
  kReused = 7,  // an equal task ran before; its outputs stand
  kFailed = 8,
  kSkipped = 9,     // not wanted: a producer failed, or its `if:` was false
  kCancelled = 10,  // stopped by somebody; a resumed run takes it up again
};

inline constexpr std::size_t kTaskStateCount = 11;

[[nodiscard]] std::string_view TaskStateName(TaskState state);
[[nodiscard]] constexpr bool IsFinal(TaskState state) { return state >= TaskState::kSucceeded; }
// Its outputs can be read.
[[nodiscard]] constexpr bool HasOutputs(TaskState state) {
  return state == TaskState::kSucceeded || state == TaskState::kReused;
}
// An attempt holds resources.
[[nodiscard]] constexpr bool IsInFlight(TaskState state) {
  return state == TaskState::kLaunching || state == TaskState::kRunning;
}

struct Transition {
  TaskState from;
  TaskState to;
};

// Every move a task can make; docs/states.md says when. The scheduler makes no other.
[[nodiscard]] std::span<const Transition> Transitions();
[[nodiscard]] bool CanMove(TaskState from, TaskState to);

}  // namespace dml::core
