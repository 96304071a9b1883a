#include "plugins/steps/split/nearest_groups.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace dml::steps {

namespace {

struct Choice {
  std::vector<bool> taken;  // by group
  std::uint64_t rows = 0;
};

std::uint64_t Distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

std::vector<std::size_t> RandomOrder(std::size_t count, const Philox& random) {
  std::vector<std::pair<std::uint64_t, std::size_t>> keyed;
  for (std::size_t i = 0; i < count; ++i) keyed.emplace_back(random.Bits(i), i);
  std::ranges::sort(keyed);
  std::vector<std::size_t> order;
  for (const auto& [key, i] : keyed) order.push_back(i);
  return order;
}

// In `order`, every group that brings the sum nearer joins it, but not the last one of all; if none
// does, the smallest.
Choice TakeInOrder(std::span<const std::uint64_t> sizes, std::span<const std::size_t> order,
                   std::uint64_t wanted) {
  Choice choice{std::vector<bool>(sizes.size()), 0};
  std::size_t count = 0;
  for (const std::size_t group : order) {
    const std::uint64_t with = choice.rows + sizes[group];
    if (Distance(with, wanted) >= Distance(choice.rows, wanted)) continue;
    if (count + 1 == sizes.size()) break;
    choice.taken[group] = true;
    choice.rows = with;
    ++count;
  }
  if (count > 0) return choice;
  const std::size_t smallest =
      *std::ranges::min_element(order, {}, [&](std::size_t g) { return sizes[g]; });
  choice.taken[smallest] = true;
  choice.rows = sizes[smallest];
  return choice;
}

// Groups of one size that are taken together or not at all. 1, 2, 4, ... of them and the rest make
// every number of them, with far fewer parts than groups.
struct Part {
  std::uint64_t rows = 0;
  std::vector<std::size_t> groups;
};

std::vector<Part> PartsOf(std::span<const std::uint64_t> sizes,
                          std::span<const std::size_t> order) {
  std::vector<std::vector<std::size_t>> of_size;  // in the order in which sizes come
  std::map<std::uint64_t, std::size_t> number;
  for (const std::size_t group : order) {
    const auto [known, fresh] = number.emplace(sizes[group], of_size.size());
    if (fresh) of_size.emplace_back();
    of_size[known->second].push_back(group);
  }
  std::vector<Part> parts;
  for (const std::vector<std::size_t>& groups : of_size) {
    std::size_t wanted = 1;
    for (std::size_t begin = 0; begin < groups.size(); wanted *= 2) {
      const std::size_t count = std::min(wanted, groups.size() - begin);
      const auto from = groups.begin() + static_cast<std::ptrdiff_t>(begin);
      parts.push_back(
          {count * sizes[groups[begin]], {from, from + static_cast<std::ptrdiff_t>(count)}});
      begin += count;
    }
  }
  return parts;
}

// The sums of rows that parts can have, up to a largest, and the part with which each was reached.
class Sums {
 public:
  Sums(const std::vector<Part>& parts, std::uint64_t sum_max)
      : parts_(parts),
        reached_(static_cast<std::size_t>(sum_max / 64 + 1)),
        last_part_(reached_.size() * 64) {
    reached_[0] = 1;  // by nothing
    for (std::size_t k = 0; k < parts.size(); ++k) Add(k);
  }

  [[nodiscard]] bool Reach(std::uint64_t sum) const {
    return (reached_[static_cast<std::size_t>(sum / 64)] >> (sum % 64) & 1U) != 0;
  }
  // The sum nearest to `wanted` that misses it by less than `miss`; of two the lower one.
  [[nodiscard]] std::optional<std::uint64_t> Nearest(std::uint64_t wanted,
                                                     std::uint64_t miss) const {
    for (std::uint64_t apart = 0; apart < miss; ++apart) {
      if (apart <= wanted && Reach(wanted - apart)) return wanted - apart;
      if (Reach(wanted + apart)) return wanted + apart;
    }
    return std::nullopt;
  }
  // Parts that make a sum that is reached.
  [[nodiscard]] std::vector<std::size_t> PartsOf(std::uint64_t sum) const {
    std::vector<std::size_t> parts;
    while (sum > 0) {
      parts.push_back(last_part_[static_cast<std::size_t>(sum)]);
      sum -= parts_[parts.back()].rows;  // a sum that was reached before this part
    }
    return parts;
  }

 private:
  // What is reached, further up by the rows of the part. From the top, so that what is shifted is
  // from before the part.
  void Add(std::size_t part) {
    const auto skip = static_cast<std::size_t>(parts_[part].rows / 64);
    const auto shift = static_cast<unsigned>(parts_[part].rows % 64);
    for (std::size_t w = reached_.size(); w-- > skip;) {
      std::uint64_t shifted = reached_[w - skip] << shift;
      if (shift > 0 && w > skip) shifted |= reached_[w - skip - 1] >> (64U - shift);
      std::uint64_t fresh = shifted & ~reached_[w];
      reached_[w] |= fresh;
      for (; fresh != 0; fresh &= fresh - 1) {
        last_part_[w * 64 + static_cast<std::size_t>(std::countr_zero(fresh))] =
            static_cast<std::uint32_t>(part);
      }
    }
  }

  const std::vector<Part>& parts_;
  std::vector<std::uint64_t> reached_;    // a bit for each sum
  std::vector<std::uint32_t> last_part_;  // by sum
};

// A choice that misses `wanted` by less than `miss`, if there is one; nothing if the search is too
// long.
std::optional<Choice> TakeBySums(std::span<const std::uint64_t> sizes,
                                 std::span<const std::size_t> order, std::uint64_t wanted,
                                 std::uint64_t miss, std::uint64_t steps_max) {
  const std::vector<Part> parts = PartsOf(sizes, order);
  const std::uint64_t sum_max = wanted + miss;
  if (sum_max >= kGroupSumsMax || sum_max / 64 + 1 > steps_max / parts.size()) return std::nullopt;
  const Sums sums(parts, sum_max);
  const auto sum = sums.Nearest(wanted, miss);
  if (!sum) return std::nullopt;
  Choice choice{std::vector<bool>(sizes.size()), *sum};
  for (const std::size_t part : sums.PartsOf(*sum)) {
    for (const std::size_t group : parts[part].groups) choice.taken[group] = true;
  }
  return choice;
}

}  // namespace

std::vector<bool> NearestGroups(std::span<const std::uint64_t> sizes, std::uint64_t wanted,
                                const Philox& random, std::uint64_t steps_max) {
  const auto miss = [&](const Choice& choice) { return Distance(choice.rows, wanted); };
  const std::vector<std::size_t> order = RandomOrder(sizes.size(), random);
  Choice chosen = TakeInOrder(sizes, order, wanted);
  if (miss(chosen) == 0) return chosen.taken;
  const std::uint64_t rows = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  // Neither no group nor all of them: their sums are not nearer than the smallest group can be.
  if (auto better = TakeBySums(sizes, order, wanted, miss(chosen), steps_max);
      better && better->rows > 0 && better->rows < rows) {
    return better->taken;
  }
  std::vector<std::size_t> largest_first = order;
  std::ranges::stable_sort(largest_first, std::greater{}, [&](std::size_t g) { return sizes[g]; });
  Choice other = TakeInOrder(sizes, largest_first, wanted);
  return miss(other) < miss(chosen) ? other.taken : chosen.taken;
}

}  // namespace dml::steps
