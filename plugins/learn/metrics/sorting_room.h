#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "plugins/learn/metrics/score.h"

namespace dml::learn {

// Room for `count` values that a metric sorts: in the room of the predictions, which the next
// metric uses again, or else in `own`.
template <typename T>
std::span<T> RoomToSort(const Predictions& predictions, std::size_t count, std::vector<T>& own) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kSortedRowBytes);
  if (predictions.room.size() < count * sizeof(T)) {
    own.resize(count);
    return own;
  }
  T* const begin = reinterpret_cast<T*>(predictions.room.data());
  for (std::size_t i = 0; i < count; ++i) std::construct_at(begin + i);
  return {begin, count};
}

}  // namespace dml::learn
