#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <vector>

namespace dml {

// A dense index that cannot be mixed up with another kind of index. Valid ids count from 0.
template <typename Tag>
struct Id {
  std::uint32_t value = UINT32_MAX;

  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : value(static_cast<std::uint32_t>(index)) {}

  [[nodiscard]] constexpr bool valid() const { return value != UINT32_MAX; }
  [[nodiscard]] constexpr std::size_t index() const { return value; }
  friend constexpr auto operator<=>(Id, Id) = default;
};

// A vector indexed by one kind of id.
template <typename IdType, typename T>
class IdMap {
 public:
  IdMap() = default;
  explicit IdMap(std::size_t size, const T& value = T()) : items_(size, value) {}

  [[nodiscard]] decltype(auto) operator[](IdType id) { return items_[id.index()]; }
  [[nodiscard]] decltype(auto) operator[](IdType id) const { return items_[id.index()]; }
  IdType push_back(T value) {
    items_.push_back(std::move(value));
    return IdType(items_.size() - 1);
  }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }

 private:
  std::vector<T> items_;
};

struct TaskTag;
// A task of one expanded pipeline: its position in declaration order.
using TaskId = Id<TaskTag>;

// A run of a pipeline, as users type it: "r12". The number is the row id in the store.
struct RunId {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(RunId, RunId) = default;
};

// The n-th try of a task, from 1. Durable before launch; only the newest may commit.
struct AttemptNumber {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(AttemptNumber, AttemptNumber) = default;
};

}  // namespace dml

template <typename Tag>
struct std::hash<dml::Id<Tag>> {
  std::size_t operator()(dml::Id<Tag> id) const noexcept { return id.value; }
};
