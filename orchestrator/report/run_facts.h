#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

// What the report knows of a run: plain values gathered once from the store (collect.h), then drawn
// as tables, JSON or HTML without asking anybody again. Immutable after collection.

namespace dml::report {

struct AttemptFacts {
  std::uint32_t number = 1;
  WallTime started;
  WallTime ended;       // us == 0: not ended
  std::string outcome;  // "succeeded", "failed", "killed", "lost", "running"
};

struct TaskFacts {
  std::string name;
  std::string step;    // the id in the file
  std::string type;    // "train.ridge", or "run" for a command
  std::string state;   // as in docs/architecture.md: "succeeded", "reused", "failed", ...
  std::string reason;  // why it ran, was reused or was skipped; may be empty
  std::vector<std::size_t> producers;  // positions in RunFacts::tasks
  std::vector<std::size_t> inputs;     // those whose outputs it reads, in the order it reads them
  std::vector<AttemptFacts> attempts;
  Json metrics = Json::object();
  std::vector<std::string> warnings;
  std::string error;  // rendered; empty unless failed
  double cpu_seconds = 0;
  std::int64_t memory_bytes_max = 0;
  std::vector<Json> panels;  // plugins/api/panel.h

  // Wall time of all attempts together.
  [[nodiscard]] double Seconds() const {
    std::int64_t us = 0;
    for (const AttemptFacts& attempt : attempts) {
      if (attempt.ended.us > attempt.started.us) us += attempt.ended.us - attempt.started.us;
    }
    return static_cast<double>(us) * 1e-6;
  }
};

struct RunFacts {
  std::string id;  // "r12"
  std::string pipeline;
  std::string file;
  std::string state;  // "succeeded", "failed", "cancelled", "running"
  WallTime started;
  WallTime ended;  // us == 0: still running
  Json params = Json::object();
  std::string pipeline_text;
  std::vector<std::pair<std::string, std::string>> environment;  // name, value
  std::vector<TaskFacts> tasks;                                  // in declaration order

  [[nodiscard]] double Seconds() const {
    return ended.us > started.us ? static_cast<double>(ended.us - started.us) * 1e-6 : 0;
  }
  [[nodiscard]] std::size_t CountState(std::string_view name) const {
    std::size_t count = 0;
    for (const TaskFacts& task : tasks) count += task.state == name ? 1U : 0U;
    return count;
  }
};

}  // namespace dml::report
