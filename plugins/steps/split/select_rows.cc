#include "plugins/steps/split/select_rows.h"

#include <deque>

#include "plugins/steps/load/load_result.h"
#include "plugins/table/parallel_partitions.h"

namespace dml::steps {

namespace {

std::vector<std::uint32_t> RowsOf(const RowSelection& selection, const table::Batch& batch) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    rows.insert(rows.end(), selection.copies(batch.first_row + row), row);
  }
  return rows;
}

}  // namespace

Result<std::vector<std::uint64_t>> WriteSelections(const table::Table& table,
                                                   const std::vector<RowSelection>& selections,
                                                   plugins::StepContext& context) {
  std::deque<table::TableWriter> writers;
  for (const RowSelection& selection : selections) {
    DML_TRY(const std::string directory, context.OutputDirectory(selection.port));
    writers.emplace_back(directory, table.schema());
  }
  const std::size_t partitions = table.partition_count();
  std::vector<std::vector<std::uint64_t>> counts(partitions);
  const auto select = [&](std::size_t p) -> Result<void> {
    DML_TRY(const table::Batch batch, table.Read(p));
    for (std::size_t s = 0; s < selections.size(); ++s) {
      const std::vector<std::uint32_t> rows = RowsOf(selections[s], batch);
      counts[p].push_back(rows.size());
      DML_RETURN_IF_ERROR(writers[s].Write(p, batch.Take(rows)));
    }
    return {};
  };
  DML_RETURN_IF_ERROR(table::ForEachPartition(partitions, ExecutionOf(context), select));
  std::vector<std::uint64_t> totals(selections.size());
  for (std::size_t s = 0; s < selections.size(); ++s) {
    DML_RETURN_IF_ERROR(writers[s].Finish());
    for (const auto& part : counts) totals[s] += part[s];
  }
  return totals;
}

}  // namespace dml::steps
