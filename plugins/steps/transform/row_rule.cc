#include "plugins/steps/transform/row_rule.h"

#include <fmt/format.h>

#include "plugins/learn/data_source.h"
#include "plugins/learn/fit_loop.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

namespace {

// The rows of one chunk that stay, counted from its first.
using RowsInChunk = std::vector<std::uint16_t>;
static_assert(learn::kTileRows <= 1U << 16U);

Result<std::vector<RowsInChunk>> JudgeRows(const RowRule& rule, const RowView& rows,
                                           const learn::Execution& execution) {
  std::vector<RowsInChunk> kept(rows.chunk_count());
  const auto judge = [&](std::size_t chunk) -> Result<void> {
    DML_TRY(const std::vector<table::Batch> pieces, rows.Read(chunk));
    std::size_t first = 0;
    for (const table::Batch& piece : pieces) {
      auto here = rule.Keep(piece);
      if (!here.ok()) {
        return rows.Blame(pieces, chunk, std::move(here).error(), [&](const table::Batch& row) {
          auto alone = rule.Keep(row);
          return alone.ok() ? Result<void>() : Result<void>(std::move(alone).error());
        });
      }
      for (const std::uint32_t row : *here) {
        kept[chunk].push_back(static_cast<std::uint16_t>(first + row));
      }
      first += piece.rows;
    }
    return {};
  };
  DML_RETURN_IF_ERROR(learn::ForEachTile(0, rows.chunk_count(), execution, judge));
  return kept;
}

}  // namespace

Result<RowView> ThroughRule(FittedTransformPtr rule, const RowView& rows,
                            const learn::Execution& execution) {
  DML_CHECK(rule->AsRowRule() != nullptr, "only a rule leaves rows out");
  DML_TRY(std::vector<RowsInChunk> kept, JudgeRows(*rule->AsRowRule(), rows, execution));
  std::size_t count = 0;
  for (const RowsInChunk& chunk : kept) count += chunk.size();
  std::vector<std::uint64_t> numbers;
  numbers.reserve(count);
  for (std::size_t chunk = 0; chunk < kept.size(); ++chunk) {
    const std::uint64_t first = static_cast<std::uint64_t>(chunk) * learn::kTileRows;
    for (const std::uint16_t row : kept[chunk]) numbers.push_back(rows.table_row(first + row));
    kept[chunk] = {};
  }
  const std::string by(rule->AsRowRule()->name());
  DML_TRY(const RowView seen, rows.Through(std::move(rule)));
  return seen.Keep(std::move(numbers), by);
}

DroppedRows DescribeDropped(const RowView& rows) {
  DroppedRows out;
  for (const RowView::Dropped& part : rows.dropped()) {
    if (part.rows == 0) continue;
    out.rows += part.rows;
    out.by += fmt::format("{}{} by {}", out.by.empty() ? "" : ", ", part.rows, part.by);
  }
  const std::uint64_t all = rows.rows() + out.rows;
  out.share = fmt::format("{} of {} row{}", out.rows, all, all == 1 ? "" : "s");
  return out;
}

}  // namespace dml::steps
