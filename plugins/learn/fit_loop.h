#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/learn/communicator.h"
#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/merge_tree.h"
#include "plugins/learn/stats_bytes.h"

namespace dml::learn {

// An estimator is a loop of passes over tiles: Local(tile, model) -> Stats, Merge along the fixed
// tree, Update(model, Stats). This file holds the pass; it is the only one that talks to a
// Communicator. Default-constructed Stats are those of no rows, and merging them changes nothing.
template <typename S>
concept TileStats = std::default_initializable<S> && std::movable<S> &&
    requires(S& a, S b, StatsWriter& w, StatsReader& r) {
  a.Merge(std::move(b));
  a.Fields(w);
  a.Fields(r);
};

// Runs `work(tile)` for the tiles [first, last) on execution.threads threads (the caller is one of
// them), handing tiles out in order. Stops at the first error and returns the one of the smallest
// tile; kCancelled when asked to stop. `work` is called concurrently.
Result<void> ForEachTile(std::size_t first, std::size_t last, const Execution& execution,
                         const std::function<Result<void>(std::size_t)>& work);

// The tiles [first, second) of `count` that a rank owns: contiguous, so that its subtrees are
// large.
std::pair<std::size_t, std::size_t> OwnedTiles(std::size_t count, const Communicator* communicator);

// Sends `mine` (or the failure) to rank 0, lets it `combine` all parts and sends back its answer.
// Any rank's failure becomes the failure of all.
Result<std::vector<std::byte>> ExchangeParts(
    Communicator& communicator, Result<std::vector<std::byte>> mine,
    const std::function<std::vector<std::byte>(const std::vector<std::vector<std::byte>>&)>&
        combine);

template <TileStats S>
void AddParts(MergeTree<S>& tree, const std::vector<std::byte>& part) {
  StatsReader reader(part);
  std::size_t count = 0;
  reader(count);
  for (std::size_t i = 0; i < count; ++i) {
    int level = 0;
    std::uint64_t index = 0;
    S stats;
    reader(level);
    reader(index);
    stats.Fields(reader);
    tree.Add(level, index, std::move(stats));
  }
}

// One pass: the statistics of all tiles of all ranks, the same bits for any number of threads and
// ranks. `local` is called concurrently as local(const Tile&, S&) -> Result<void>.
template <TileStats S, typename Local>
Result<S> FoldTiles(const DataSource& source, const Execution& execution, const Local& local) {
  const std::size_t count = source.tile_count();
  const auto [first, last] = OwnedTiles(count, execution.communicator);
  MergeTree<S> tree(count);
  const auto work = [&](std::size_t index) -> Result<void> {
    thread_local Tile scratch;
    DML_TRY(const Tile* tile, source.View(index, scratch));
    S stats;
    if (tile->rows > 0) DML_RETURN_IF_ERROR(local(*tile, stats));
    tree.Add(0, index, std::move(stats));
    return {};
  };
  Result<void> status = ForEachTile(first, last, execution, work);
  if (execution.communicator == nullptr || execution.communicator->size() == 1) {
    if (!status.ok()) return std::move(status).error();
    auto nodes = tree.Take();
    return nodes.empty() ? S() : std::move(nodes.begin()->second);
  }
  const auto write = [](std::map<typename MergeTree<S>::Node, S> nodes) {
    StatsWriter writer;
    writer(nodes.size());
    for (auto& [node, stats] : nodes) {
      writer(node.first);
      writer(node.second);
      stats.Fields(writer);
    }
    return std::move(writer.bytes());
  };
  Result<std::vector<std::byte>> mine =
      status.ok() ? Result<std::vector<std::byte>>(write(tree.Take()))
                  : Result<std::vector<std::byte>>(std::move(status).error());
  DML_TRY(const std::vector<std::byte> answer,
          ExchangeParts(*execution.communicator, std::move(mine),
                        [&](const std::vector<std::vector<std::byte>>& parts) {
                          MergeTree<S> whole(count);
                          for (const auto& part : parts) AddParts(whole, part);
                          return write(whole.Take());
                        }));
  MergeTree<S> whole(count);
  AddParts(whole, answer);
  auto nodes = whole.Take();
  return nodes.empty() ? S() : std::move(nodes.begin()->second);
}

}  // namespace dml::learn
