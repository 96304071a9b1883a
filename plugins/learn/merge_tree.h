#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace dml::learn {

// The fixed binary tree along which tile statistics are merged: node (level, index) stands for the
// tiles [index << level, (index + 1) << level) that exist. A node with an absent right half is its
// left half. The shape depends on the number of tiles alone, so a sum does not depend on which
// thread or rank finished which tile first. Whoever completes the second half of a node merges it;
// with tiles handed out in order, about (threads + log tiles) statistics are alive at a time.
// Thread-safe. S needs Merge(S&& right).
template <typename S>
class MergeTree {
 public:
  using Node = std::pair<int, std::uint64_t>;  // level, index

  explicit MergeTree(std::uint64_t tiles) : tiles_(tiles), root_level_(RootLevel(tiles)) {}

  void Add(int level, std::uint64_t index, S&& stats) {
    S left = std::move(stats);
    while (level < root_level_) {
      const std::uint64_t sibling = index ^ 1U;
      if ((sibling << level) < tiles_) {
        std::optional<S> other = Exchange({level, sibling}, {level, index}, left);
        if (!other) return;
        if (sibling < index) std::swap(left, *other);
        left.Merge(std::move(*other));
      }
      ++level;
      index >>= 1U;
    }
    const std::lock_guard lock(mutex_);
    nodes_.emplace(Node{level, index}, std::move(left));
  }

  // What is left when every tile has been added: the root alone, or the complete subtrees of a
  // part of the tiles. Takes them out.
  std::map<Node, S> Take() {
    const std::lock_guard lock(mutex_);
    return std::move(nodes_);
  }

 private:
  static int RootLevel(std::uint64_t tiles) {
    return tiles <= 1 ? 0 : static_cast<int>(std::bit_width(tiles - 1));
  }

  // The waiting node `wanted`, or nothing after leaving `mine` there in its place.
  std::optional<S> Exchange(Node wanted, Node mine, S& stats) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(wanted);
    if (found == nodes_.end()) {
      nodes_.emplace(mine, std::move(stats));
      return std::nullopt;
    }
    std::optional<S> other(std::move(found->second));
    nodes_.erase(found);
    return other;
  }

  const std::uint64_t tiles_;
  const int root_level_;
  std::mutex mutex_;
  std::map<Node, S> nodes_;  // guarded by mutex_
};

}  // namespace dml::learn
