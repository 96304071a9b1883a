#include "plugins/steps/split/holdout.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "plugins/steps/split/nearest_groups.h"
#include "plugins/steps/split/row_keys.h"

namespace dml::steps {

namespace {

constexpr char kSplit[] = "split";
constexpr char kSample[] = "sample";

using Keyed = std::pair<std::uint64_t, std::uint64_t>;  // random key, row: ties fall by row

// The first row key that is not among the `count` smallest. Two passes over the keys instead of a
// list of them, because there may be more rows than memory has room for.
Keyed CutAt(const Philox& random, std::uint64_t rows, std::uint64_t count) {
  constexpr unsigned kBinShift = 48;
  std::vector<std::uint64_t> bins(std::size_t{1} << (64 - kBinShift));
  for (std::uint64_t row = 0; row < rows; ++row) ++bins[random.Bits(row) >> kBinShift];
  std::size_t bin = 0;
  std::uint64_t before = 0;
  while (before + bins[bin] <= count) before += bins[bin++];
  std::vector<Keyed> members;
  for (std::uint64_t row = 0; row < rows; ++row) {
    const std::uint64_t key = random.Bits(row);
    if (key >> kBinShift == bin) members.emplace_back(key, row);
  }
  const auto cut = members.begin() + static_cast<std::ptrdiff_t>(count - before);
  std::ranges::nth_element(members, cut);
  return *cut;
}

// Calls use(row) for `count` of the rows, drawn at random.
template <typename Use>
void ForEachDrawn(std::uint64_t rows, std::uint64_t count, const Philox& random, Use use) {
  DML_CHECK(count <= rows, "no more rows are drawn than there are");
  if (count == rows) {
    for (std::uint64_t row = 0; row < rows; ++row) use(row);
    return;
  }
  const Keyed cut = CutAt(random, rows, count);
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (Keyed(random.Bits(row), row) < cut) use(row);
  }
}

// Shares `total` among classes in proportion to their sizes, by largest remainders.
std::vector<std::uint64_t> Apportion(const std::vector<std::uint64_t>& sizes, std::uint64_t total,
                                     Replacement replacement) {
  const auto rows = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  const auto most = [&](std::size_t c) {
    return replacement == Replacement::kYes ? (sizes[c] == 0 ? 0 : total) : sizes[c];
  };
  std::vector<std::uint64_t> shares(sizes.size());
  std::vector<std::pair<double, std::size_t>> remainders;
  std::uint64_t given = 0;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const double exact =
        static_cast<double>(sizes[c]) * static_cast<double>(total) / static_cast<double>(rows);
    shares[c] = std::min(most(c), static_cast<std::uint64_t>(exact));
    given += shares[c];
    remainders.emplace_back(static_cast<double>(shares[c]) - exact, c);  // most negative first
  }
  std::ranges::sort(remainders);
  for (std::size_t i = 0; given < total; i = (i + 1) % remainders.size()) {
    const std::size_t c = remainders[i].second;
    if (shares[c] == most(c)) continue;
    ++shares[c];
    ++given;
  }
  return shares;
}

std::vector<std::vector<std::uint64_t>> RowsByClass(std::span<const std::uint32_t> classes,
                                                    std::size_t class_count) {
  std::vector<std::vector<std::uint64_t>> members(class_count);
  for (std::size_t row = 0; row < classes.size(); ++row) members[classes[row]].push_back(row);
  return members;
}

// The same, each class by its share.
template <typename Use>
void ForEachDrawnStratified(std::span<const std::uint32_t> classes, std::uint64_t count,
                            const Philox& random, Use use) {
  DML_CHECK(count <= classes.size(), "no more rows are drawn than there are");
  const std::vector<std::uint64_t> sizes = CountEach(classes);
  const auto shares = Apportion(sizes, count, Replacement::kNo);
  std::vector<std::vector<Keyed>> members(sizes.size());
  for (std::size_t row = 0; row < classes.size(); ++row) {
    members[classes[row]].emplace_back(random.Bits(row), row);
  }
  for (std::size_t c = 0; c < members.size(); ++c) {
    const auto cut = members[c].begin() + static_cast<std::ptrdiff_t>(shares[c]);
    std::ranges::nth_element(members[c], cut);
    for (auto member = members[c].begin(); member != cut; ++member) use(member->second);
  }
}

}  // namespace

bool NearAskedShare(std::uint64_t got, std::uint64_t asked, std::uint64_t rows) {
  constexpr std::uint64_t kOneIn = 20;  // 5 points of a hundred
  return (got > asked ? got - asked : asked - got) * kOneIn <= rows;
}

RowSides HoldOutRandom(std::uint64_t rows, std::uint64_t test_rows, std::uint64_t seed) {
  RowSides sides(rows, Side::kTrain);
  ForEachDrawn(rows, test_rows, Philox(seed, kSplit),
               [&](std::uint64_t row) { sides[row] = Side::kTest; });
  return sides;
}

Result<RowSides> HoldOutStratified(std::span<const std::uint32_t> classes, std::uint64_t test_rows,
                                   std::uint64_t seed) {
  const std::size_t count = CountEach(classes).size();
  const std::uint64_t train_rows = classes.size() - test_rows;
  if (std::min(test_rows, train_rows) < count) {
    return Error::Invalid(fmt::format("{} rows to {} on cannot hold one row of each of {} classes",
                                      std::min(test_rows, train_rows),
                                      test_rows < train_rows ? "test" : "train", count),
                          "change test_size, or split without stratify");
  }
  RowSides sides(classes.size(), Side::kTrain);
  ForEachDrawnStratified(classes, test_rows, Philox(seed, kSplit),
                         [&](std::uint64_t row) { sides[row] = Side::kTest; });
  return sides;
}

Result<RowSides> HoldOutGroups(std::span<const std::uint32_t> groups, std::uint64_t test_rows,
                               std::uint64_t seed) {
  const std::vector<std::uint64_t> sizes = CountEach(groups);
  if (sizes.size() < 2) {
    return Error::Invalid("all rows are of one group, which cannot be split",
                          "choose another column for group");
  }
  const std::vector<bool> chosen = NearestGroups(sizes, test_rows, Philox(seed, kSplit));
  RowSides sides;
  sides.reserve(groups.size());
  for (const std::uint32_t group : groups) {
    sides.push_back(chosen[group] ? Side::kTest : Side::kTrain);
  }
  return sides;
}

Result<RowSides> HoldOutLatest(std::span<const double> times, std::uint64_t test_rows) {
  std::vector<double> sorted(times.begin(), times.end());
  const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(times.size() - test_rows) - 1;
  std::ranges::nth_element(sorted, last);
  RowSides sides;
  sides.reserve(times.size());
  bool any = false;
  for (const double time : times) {
    any = any || time > *last;
    sides.push_back(time > *last ? Side::kTest : Side::kTrain);
  }
  if (!any) {
    return Error::Invalid("the latest rows all have the same time, so none can be put aside",
                          "split by a finer time, or raise test_size");
  }
  return sides;
}

RowSides HoldOutLast(std::uint64_t rows, std::uint64_t test_rows) {
  RowSides sides(rows, Side::kTrain);
  std::fill(sides.end() - static_cast<std::ptrdiff_t>(test_rows), sides.end(), Side::kTest);
  return sides;
}

RowCopies DrawRows(std::uint64_t rows, std::uint64_t count, Replacement replacement,
                   std::uint64_t seed) {
  RowCopies copies(rows);
  const Philox random(seed, kSample);
  if (replacement == Replacement::kNo) {
    ForEachDrawn(rows, count, random, [&](std::uint64_t row) { copies[row] = 1; });
    return copies;
  }
  for (std::uint64_t draw = 0; draw < count; ++draw) ++copies[random.Below(rows, draw)];
  return copies;
}

RowCopies DrawRowsStratified(std::span<const std::uint32_t> classes, std::uint64_t count,
                             Replacement replacement, std::uint64_t seed) {
  RowCopies copies(classes.size());
  const Philox random(seed, kSample);
  if (replacement == Replacement::kNo) {
    ForEachDrawnStratified(classes, count, random, [&](std::uint64_t row) { copies[row] = 1; });
    return copies;
  }
  const std::vector<std::uint64_t> sizes = CountEach(classes);
  const auto shares = Apportion(sizes, count, replacement);
  const auto members = RowsByClass(classes, sizes.size());
  for (std::size_t c = 0; c < shares.size(); ++c) {
    for (std::uint64_t draw = 0; draw < shares[c]; ++draw) {
      ++copies[members[c][random.Below(sizes[c], draw, c)]];
    }
  }
  return copies;
}

Result<RowSides> SeriesFold(std::span<const double> times, std::uint64_t folds,
                            std::uint64_t fold) {
  const std::uint64_t stretch = times.size() / (folds + 1);
  if (stretch == 0) {
    return Error::Invalid(
        fmt::format("{} rows cannot make {} folds of a time series", times.size(), folds),
        "use fewer folds");
  }
  std::vector<double> sorted(times.begin(), times.end());
  std::ranges::sort(sorted);
  const std::uint64_t train = times.size() - (folds - fold) * stretch;
  const double train_until = sorted[train - 1];
  const double test_until = sorted[train + stretch - 1];
  if (train_until == test_until) {
    return Error::Invalid(fmt::format("the rows that fold {} would test on have the same time as "
                                      "those before them",
                                      fold),
                          "split by a finer time, or use fewer folds");
  }
  RowSides sides;
  sides.reserve(times.size());
  for (const double time : times) {
    sides.push_back(time <= train_until  ? Side::kTrain
                    : time <= test_until ? Side::kTest
                                         : Side::kNeither);
  }
  return sides;
}

}  // namespace dml::steps
