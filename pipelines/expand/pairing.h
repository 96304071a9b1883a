#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "pipelines/pipeline.h"

namespace dml::pipelines {

// The tasks of one step: consecutive ids, one for each combination (a step without a matrix has one
// combination without bindings).
struct StepTasks {
  std::size_t first = 0;
  std::vector<Bindings> combinations;
  std::vector<std::string> names;
};

// Which tasks of a producer belong to a task of a consumer: those with equal values for the keys
// that both matrices have, or all of them if they share none. Building costs one pass over the
// producer; a question costs one look-up.
class Pairing {
 public:
  Pairing(const StepDecl& producer, const StepTasks& producer_tasks, const StepDecl& consumer);

  [[nodiscard]] std::span<const TaskId> For(const Bindings& consumer) const;
  // "C, solver": the shared keys, for messages.
  [[nodiscard]] std::string SharedKeys() const;

 private:
  [[nodiscard]] std::string KeyOf(const Bindings& bindings) const;

  std::vector<std::string> shared_;
  std::vector<TaskId> all_;  // if nothing is shared
  std::unordered_map<std::string, std::vector<TaskId>> groups_;
  mutable std::unordered_map<const Node*, std::string> texts_;  // canonical values
};

}  // namespace dml::pipelines
