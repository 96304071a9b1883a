#include "plugins/steps/transform/order_statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>

#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/row_pass.h"

namespace dml::steps {

namespace {

// Values collected in one pass at most (8 MiB), and parts into which a range is cut otherwise.
constexpr std::uint64_t kCollectMax = 1U << 20;
constexpr std::uint64_t kParts = 1024;
constexpr std::uint64_t kSign = 1ULL << 63;

// Unsigned numbers in the order of the doubles; -0 and 0 are one.
std::uint64_t KeyOf(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value == 0.0 ? 0.0 : value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double ValueOf(std::uint64_t key) {
  return std::bit_cast<double>((key & kSign) != 0 ? key & ~kSign : ~key);
}

// Values of a column between two keys, which hold some of the ranks wanted.
struct Bracket {
  std::size_t column = 0;
  std::uint64_t low = 0;    // first key
  std::uint64_t high = 0;   // last key
  std::uint64_t below = 0;  // values before `low`
  std::uint64_t inside = 0;
  std::vector<std::uint64_t> ranks;  // ascending

  // Keys in a part, but for the last; at least 1.
  [[nodiscard]] std::uint64_t PartWidth() const { return (high - low) / kParts + 1; }
};

using Brackets = std::vector<Bracket>;

// What a pass found inside each bracket: counts by part, or the keys themselves.
struct Found {
  std::vector<std::vector<std::uint64_t>> lists;
  bool counts = false;

  void Merge(Found&& right) {
    if (lists.empty()) {
      std::swap(*this, right);
      return;
    }
    for (std::size_t b = 0; b < right.lists.size(); ++b) {
      std::vector<std::uint64_t>& mine = lists[b];
      std::vector<std::uint64_t>& other = right.lists[b];
      if (!counts) {
        mine.insert(mine.end(), other.begin(), other.end());
        continue;
      }
      for (std::size_t i = 0; i < other.size(); ++i) mine[i] += other[i];
    }
  }
};

Result<Found> Pass(const RowView& rows, const std::vector<std::string>& columns,
                   const Brackets& brackets, bool counts, const learn::Execution& execution) {
  const auto visit = [&](const table::Batch& batch, Found& out) -> Result<void> {
    if (out.lists.empty()) {
      out.counts = counts;
      out.lists.resize(brackets.size());
      if (counts) std::ranges::fill(out.lists, std::vector<std::uint64_t>(kParts));
    }
    for (std::size_t b = 0; b < brackets.size(); ++b) {
      const Bracket& bracket = brackets[b];
      DML_TRY(const Numbers numbers, ReadNumbers(batch, columns[bracket.column]));
      const std::uint64_t width = bracket.PartWidth();
      for (const double x : numbers) {
        if (std::isnan(x)) continue;
        const std::uint64_t key = KeyOf(x);
        if (key < bracket.low || key > bracket.high) continue;
        if (counts) {
          ++out.lists[b][(key - bracket.low) / width];
        } else {
          out.lists[b].push_back(key);
        }
      }
    }
    return {};
  };
  DML_TRY(Found found, PassOverRows<Found>(rows, execution, visit));
  found.lists.resize(brackets.size());
  return found;
}

// The parts of a bracket that hold its ranks.
Brackets Narrow(const Bracket& bracket, const std::vector<std::uint64_t>& counts) {
  Brackets out;
  const std::uint64_t width = bracket.PartWidth();
  std::uint64_t below = bracket.below;
  std::size_t next = 0;
  for (std::size_t part = 0; part < counts.size() && next < bracket.ranks.size(); ++part) {
    Bracket one{bracket.column, bracket.low + part * width, 0, below, counts[part], {}};
    one.high = bracket.high - one.low < width ? bracket.high : one.low + (width - 1);
    below += counts[part];
    while (next < bracket.ranks.size() && bracket.ranks[next] < below) {
      one.ranks.push_back(bracket.ranks[next++]);
    }
    if (!one.ranks.empty()) out.push_back(std::move(one));
  }
  return out;
}

using RankedValues = std::map<std::pair<std::size_t, std::uint64_t>, double>;  // column, rank

// Takes out the brackets of a single key: all their ranks have its value.
void Settle(Brackets& brackets, RankedValues& values) {
  std::erase_if(brackets, [&](const Bracket& bracket) {
    if (bracket.low != bracket.high) return false;
    for (const std::uint64_t rank : bracket.ranks) {
      values[{bracket.column, rank}] = ValueOf(bracket.low);
    }
    return true;
  });
}

std::uint64_t TotalInside(const Brackets& brackets) {
  std::uint64_t total = 0;
  for (const Bracket& bracket : brackets) total += bracket.inside;
  return total;
}

Result<RankedValues> FindRanks(const RowView& rows, const std::vector<std::string>& columns,
                               Brackets brackets, const learn::Execution& execution) {
  RankedValues values;
  Settle(brackets, values);
  while (!brackets.empty()) {
    const bool counts = TotalInside(brackets) > kCollectMax;
    DML_TRY(Found found, Pass(rows, columns, brackets, counts, execution));
    Brackets narrower;
    for (std::size_t b = 0; b < brackets.size(); ++b) {
      std::vector<std::uint64_t>& list = found.lists[b];
      if (counts) {
        std::ranges::move(Narrow(brackets[b], list), std::back_inserter(narrower));
        continue;
      }
      std::ranges::sort(list);
      for (const std::uint64_t rank : brackets[b].ranks) {
        values[{brackets[b].column, rank}] = ValueOf(list.at(rank - brackets[b].below));
      }
    }
    brackets = std::move(narrower);
    Settle(brackets, values);
  }
  return values;
}

// Between two neighbours, with the rounding of numpy.
double Interpolate(double left, double right, double share) {
  const double gap = right - left;
  return share < 0.5 ? left + gap * share : right - gap * (1.0 - share);
}

}  // namespace

Result<std::vector<std::vector<double>>> FindQuantiles(const RowView& rows,
                                                       const std::vector<std::string>& columns,
                                                       const std::vector<ColumnMoments>& moments,
                                                       const std::vector<double>& quantiles,
                                                       const learn::Execution& execution) {
  Brackets brackets;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::uint64_t last = moments[c].count - 1;
    Bracket whole{c, KeyOf(moments[c].min), KeyOf(moments[c].max), 0, moments[c].count, {}};
    for (const double q : quantiles) {
      const auto rank = static_cast<std::uint64_t>(static_cast<double>(last) * q);
      whole.ranks.push_back(rank);
      whole.ranks.push_back(std::min(rank + 1, last));
    }
    std::ranges::sort(whole.ranks);
    // Not std::ranges::unique: clang 14 cannot compile it with libstdc++ 12.
    whole.ranks.erase(std::unique(whole.ranks.begin(), whole.ranks.end()), whole.ranks.end());
    brackets.push_back(std::move(whole));
  }
  DML_TRY(const RankedValues values, FindRanks(rows, columns, std::move(brackets), execution));
  std::vector<std::vector<double>> out(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::uint64_t last = moments[c].count - 1;
    for (const double q : quantiles) {
      const double position = static_cast<double>(last) * q;
      const auto rank = static_cast<std::uint64_t>(position);
      out[c].push_back(Interpolate(values.at({c, rank}), values.at({c, std::min(rank + 1, last)}),
                                   position - static_cast<double>(rank)));
    }
  }
  return out;
}

}  // namespace dml::steps
