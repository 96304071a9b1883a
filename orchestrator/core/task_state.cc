#include "orchestrator/core/task_state.h"

#include <algorithm>

namespace dml::core {

namespace {

using enum TaskState;

constexpr std::array<std::string_view, kTaskStateCount> kNames{
    "blocked",   "ready",  "launching", "running", "committing", "backoff",
    "succeeded", "reused", "failed",    "skipped", "cancelled"};

constexpr Transition kTransitions[] = {
    {kBlocked, kReady},
    {kBlocked, kSkipped},
    {kBlocked, kCancelled},
    {kReady, kLaunching},
    {kReady, kReused},
    {kReady, kSkipped},
    {kReady, kFailed},
    {kReady, kCancelled},
    {kLaunching, kRunning},
    {kLaunching, kCommitting},
    {kLaunching, kBackoff},
    {kLaunching, kFailed},
    {kLaunching, kCancelled},
    {kRunning, kCommitting},
    {kRunning, kBackoff},
    {kRunning, kFailed},
    {kRunning, kCancelled},
    {kCommitting, kSucceeded},
    {kCommitting, kBackoff},
    {kCommitting, kFailed},
    {kCommitting, kCancelled},
    {kBackoff, kReady},
    {kBackoff, kCancelled},
    // A run that is taken up again.
    {kReady, kBlocked},
    {kLaunching, kBlocked},
    {kRunning, kBlocked},
    {kCommitting, kBlocked},
    {kBackoff, kBlocked},
    {kCancelled, kBlocked},
    {kFailed, kBlocked},
    {kSkipped, kBlocked},
    {kSucceeded, kBlocked},
    {kReused, kBlocked},
};

}  // namespace

std::string_view TaskStateName(TaskState state) { return kNames[static_cast<std::size_t>(state)]; }

std::span<const Transition> Transitions() { return kTransitions; }

bool CanMove(TaskState from, TaskState to) {
  return std::ranges::any_of(
      kTransitions, [&](const Transition& move) { return move.from == from && move.to == to; });
}

}  // namespace dml::core
