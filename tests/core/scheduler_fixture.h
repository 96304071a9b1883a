#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/core/scheduler.h"

namespace dml::core {

// A scheduler over a small graph that records commands as text, such as "launch 0#1".
class SchedulerTest : public testing::Test {
 protected:
  void Build(std::size_t tasks, std::vector<std::pair<std::size_t, std::size_t>> arrows,
             SchedulerOptions options = {}) {
    std::vector<TaskGraph::Edge> edges;
    for (const auto& [from, to] : arrows) edges.push_back({TaskId(from), TaskId(to)});
    graph_ = TaskGraph::Build(tasks, edges).value();
    if (policies_.size() == 0) policies_ = IdMap<TaskId, TaskPolicy>(tasks);
    scheduler_ = std::make_unique<Scheduler>(graph_, policies_, options);
  }

  // Applies the event; decisions to run are made at once.
  std::string Apply(const Event& event) { return Apply(std::vector<Event>{event}); }
  std::string Apply(const std::vector<Event>& events) {
    std::vector<Command> commands;
    scheduler_->Apply(events, now_, commands);
    scheduler_->CheckInvariants();
    std::string text;
    for (const Command& command : commands) text += Show(command);
    std::vector<Event> answers;
    for (const Command& command : commands) {
      if (const auto* ask = std::get_if<Resolve>(&command)) {
        answers.emplace_back(ResolvedRun{ask->task});
      }
    }
    return answers.empty() ? text : text + Apply(answers);
  }

  static std::string Show(const Command& command) {
    const auto name = [](TaskId task, AttemptNumber attempt) {
      return std::to_string(task.index()) + "#" + std::to_string(attempt.value) + " ";
    };
    if (const auto* one = std::get_if<Launch>(&command)) {
      return "launch " + name(one->task, one->attempt);
    }
    if (const auto* one = std::get_if<Commit>(&command)) {
      return "commit " + name(one->task, one->attempt);
    }
    if (const auto* one = std::get_if<Kill>(&command)) {
      return (one->at_once ? "KILL " : "kill ") + name(one->task, one->attempt);
    }
    if (const auto* one = std::get_if<Recheck>(&command)) {
      return "recheck " + std::to_string(one->task.index()) + " ";
    }
    return "";
  }

  std::string Succeed(std::size_t task, std::uint32_t attempt = 1) {
    std::string text = Apply(AttemptSucceeded{TaskId(task), {attempt}});
    return text + Apply(Committed{TaskId(task), {attempt}});
  }
  std::string FailAttempt(std::size_t task, std::uint32_t attempt = 1,
                          FailureKind kind = FailureKind::kTask) {
    return Apply(AttemptFailed{TaskId(task), {attempt}, kind, 1, Error::Task("broken")});
  }
  [[nodiscard]] std::string_view State(std::size_t task) const {
    return TaskStateName(scheduler_->state(TaskId(task)));
  }

  TaskGraph graph_;
  IdMap<TaskId, TaskPolicy> policies_;
  std::unique_ptr<Scheduler> scheduler_;
  Instant now_{0};
};

}  // namespace dml::core
