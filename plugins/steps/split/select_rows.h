#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "plugins/api/step.h"
#include "plugins/table/table.h"

namespace dml::steps {

// One output of a step that passes on some rows of its input.
struct RowSelection {
  std::string port;
  // How often a row is passed on; called from several threads.
  std::function<std::uint32_t(std::uint64_t row)> copies;
};

// Writes every selection as a table, with the order and the partitions of the input, and returns
// how many rows each has. Partitions are read once, on the threads of the step.
Result<std::vector<std::uint64_t>> WriteSelections(const table::Table& table,
                                                   const std::vector<RowSelection>& selections,
                                                   plugins::StepContext& context);

}  // namespace dml::steps
