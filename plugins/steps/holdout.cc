#include "plugins/steps/holdout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace dml::steps {

namespace {

constexpr char kPurpose[] = "split";

std::uint64_t TestRows(std::uint64_t rows, double test_size) {
  const double wanted = std::ceil(static_cast<double>(rows) * test_size);
  return std::min(rows, static_cast<std::uint64_t>(wanted));
}

using Keyed = std::pair<std::uint64_t, std::uint64_t>;  // random key, row: ties fall by row

// Marks the `count` rows with the smallest keys.
void MarkSmallest(std::vector<Keyed>& rows, std::uint64_t count, RowFlags& flags) {
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(rows.begin(), middle, rows.end());
  for (auto row = rows.begin(); row != middle; ++row) flags[row->second] = true;
}

std::vector<std::uint64_t> CountEach(std::span<const std::uint32_t> numbers) {
  std::vector<std::uint64_t> counts;
  for (const std::uint32_t number : numbers) {
    if (number >= counts.size()) counts.resize(number + 1);
    ++counts[number];
  }
  return counts;
}

// Shares `total` among classes in proportion to their sizes, by largest remainders.
std::vector<std::uint64_t> Apportion(const std::vector<std::uint64_t>& sizes, std::uint64_t total,
                                     std::uint64_t rows) {
  std::vector<std::uint64_t> shares(sizes.size());
  std::vector<std::pair<double, std::size_t>> remainders;
  std::uint64_t given = 0;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const double exact =
        static_cast<double>(sizes[c]) * static_cast<double>(total) / static_cast<double>(rows);
    shares[c] = static_cast<std::uint64_t>(exact);
    given += shares[c];
    remainders.emplace_back(static_cast<double>(shares[c]) - exact, c);  // most negative first
  }
  std::ranges::sort(remainders);
  for (std::size_t i = 0; given < total; ++i, ++given) ++shares[remainders[i].second];
  return shares;
}

}  // namespace

RowFlags HoldOutRandom(std::uint64_t rows, double test_size, std::uint64_t seed) {
  const Philox random(seed, kPurpose);
  std::vector<Keyed> keyed;
  keyed.reserve(rows);
  for (std::uint64_t row = 0; row < rows; ++row) keyed.emplace_back(random.Bits(row), row);
  RowFlags flags(rows);
  MarkSmallest(keyed, TestRows(rows, test_size), flags);
  return flags;
}

Result<RowFlags> HoldOutStratified(std::span<const std::uint32_t> classes, double test_size,
                                   std::uint64_t seed) {
  const std::vector<std::uint64_t> sizes = CountEach(classes);
  if (std::ranges::find(sizes, 1U) != sizes.end()) {
    return Error::Invalid("a class has only one row, which cannot be on both sides of the split",
                          "drop the class, or split without stratify");
  }
  const auto shares = Apportion(sizes, TestRows(classes.size(), test_size), classes.size());
  const Philox random(seed, kPurpose);
  std::vector<std::vector<Keyed>> members(sizes.size());
  for (std::size_t row = 0; row < classes.size(); ++row) {
    members[classes[row]].emplace_back(random.Bits(row), row);
  }
  RowFlags flags(classes.size());
  for (std::size_t c = 0; c < members.size(); ++c) MarkSmallest(members[c], shares[c], flags);
  return flags;
}

RowFlags HoldOutGroups(std::span<const std::uint32_t> groups, double test_size,
                       std::uint64_t seed) {
  const std::vector<std::uint64_t> sizes = CountEach(groups);
  const Philox random(seed, kPurpose);
  std::vector<Keyed> order;
  for (std::size_t g = 0; g < sizes.size(); ++g) order.emplace_back(random.Bits(g), g);
  std::ranges::sort(order);
  std::vector<bool> chosen(sizes.size());
  const std::uint64_t wanted = TestRows(groups.size(), test_size);
  std::uint64_t taken = 0;
  for (const auto& [key, group] : order) {
    if (taken >= wanted) break;
    chosen[group] = true;
    taken += sizes[group];
  }
  RowFlags flags(groups.size());
  for (std::size_t row = 0; row < groups.size(); ++row) flags[row] = chosen[groups[row]];
  return flags;
}

RowFlags HoldOutLatest(std::span<const double> times, double test_size) {
  std::vector<double> sorted(times.begin(), times.end());
  std::ranges::sort(sorted);
  const std::uint64_t train = times.size() - TestRows(times.size(), test_size);
  const double last = train == 0 ? -std::numeric_limits<double>::infinity() : sorted[train - 1];
  RowFlags flags(times.size());
  for (std::size_t row = 0; row < times.size(); ++row) flags[row] = times[row] > last;
  return flags;
}

}  // namespace dml::steps
