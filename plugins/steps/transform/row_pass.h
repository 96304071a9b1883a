#pragma once

#include <span>
#include <utility>

#include "plugins/learn/fit_loop.h"
#include "plugins/learn/merge_tree.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// One pass over the rows of a view: local(std::span<const table::Batch>, S&) -> Result<void> is
// called for the batches of each chunk in order, chunks concurrently; the statistics of chunks are
// merged along the fixed tree of learn::MergeTree, so the result does not depend on threads. S is
// default-constructible (no rows) and has Merge(S&& right). `local` sees a chunk whole because how
// it falls into batches depends on partitions, and sums must not. An error of `local` about one row
// gives the row its number in the table.
template <typename S, typename Local>
Result<S> PassOverChunks(const RowView& rows, const learn::Execution& execution,
                         const Local& local) {
  learn::MergeTree<S> tree(rows.chunk_count());
  const auto work = [&](std::size_t chunk) -> Result<void> {
    DML_TRY(const std::vector<table::Batch> pieces, rows.Read(chunk));
    S stats;
    if (auto status = local(std::span<const table::Batch>(pieces), stats); !status.ok()) {
      return rows.Blame(pieces, chunk, std::move(status).error(), [&](const table::Batch& row) {
        S scratch;
        return local(std::span<const table::Batch>(&row, 1), scratch);
      });
    }
    tree.Add(0, chunk, std::move(stats));
    return {};
  };
  DML_RETURN_IF_ERROR(learn::ForEachTile(0, rows.chunk_count(), execution, work));
  auto nodes = tree.Take();
  if (nodes.empty()) return S();
  return std::move(nodes.begin()->second);
}

// The same for statistics that do not depend on how rows fall into batches, such as counts:
// local(const table::Batch&, S&) -> Result<void>.
template <typename S, typename Local>
Result<S> PassOverRows(const RowView& rows, const learn::Execution& execution, const Local& local) {
  return PassOverChunks<S>(rows, execution,
                           [&](std::span<const table::Batch> pieces, S& stats) -> Result<void> {
                             for (const table::Batch& piece : pieces) {
                               DML_RETURN_IF_ERROR(local(piece, stats));
                             }
                             return {};
                           });
}

}  // namespace dml::steps
