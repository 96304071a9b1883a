#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "plugins/learn/fit_loop.h"
#include "plugins/learn/merge_tree.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// One pass over the rows of a view: local(const table::Batch&, S&) -> Result<void> is called for
// the batches of each chunk in order, chunks concurrently; the statistics of chunks are merged
// along the fixed tree of learn::MergeTree, so the result does not depend on threads. S is
// default-constructible (no rows) and has Merge(S&& right).
template <typename S, typename Local>
Result<S> PassOverRows(const RowView& rows, const learn::Execution& execution, const Local& local) {
  learn::MergeTree<S> tree(rows.chunk_count());
  const auto work = [&](std::size_t chunk) -> Result<void> {
    DML_TRY(const std::vector<table::Batch> pieces, rows.Read(chunk));
    S stats;
    for (const table::Batch& piece : pieces) DML_RETURN_IF_ERROR(local(piece, stats));
    tree.Add(0, chunk, std::move(stats));
    return {};
  };
  DML_RETURN_IF_ERROR(learn::ForEachTile(0, rows.chunk_count(), execution, work));
  auto nodes = tree.Take();
  if (nodes.empty()) return S();
  return std::move(nodes.begin()->second);
}

}  // namespace dml::steps
