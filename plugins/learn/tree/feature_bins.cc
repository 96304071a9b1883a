#include "plugins/learn/tree/feature_bins.h"

#include <algorithm>
#include <span>
#include <utility>

namespace dml::learn {

namespace {

// Halfway, or the lower value if no number lies between the two.
double Midpoint(double low, double high) {
  const double middle = low / 2.0 + high / 2.0;
  return middle >= high || middle < low ? low : middle;
}

// How many of the ascending values satisfy `left`, which holds up to some point. Without branches:
// which way to go is not foreseen.
template <typename Left>
std::size_t CountLeft(const double* values, std::size_t size, const Left& left) {
  std::size_t count = 0;
  while (size > 0) {
    const std::size_t half = (size + 1) / 2;
    count += left(values[count + half - 1]) ? half : 0;
    size -= half;
  }
  return count;
}

std::size_t CountBelow(const double* values, std::size_t size, double limit) {
  return CountLeft(values, size, [&](double v) { return v < limit; });
}

std::size_t CountNotAbove(const double* values, std::size_t size, double limit) {
  return CountLeft(values, size, [&](double v) { return v <= limit; });
}

struct Distinct {
  double value = 0.0;
  std::size_t rows = 0;
};

std::vector<Distinct> DistinctOf(const std::vector<double>& sorted) {
  std::vector<Distinct> distinct;
  for (const double value : sorted) {
    if (distinct.empty() || distinct.back().value != value) distinct.push_back({value, 0});
    ++distinct.back().rows;
  }
  return distinct;
}

// Shares values out among at most `parts_max` parts of about equal numbers of rows: the end of each
// part. A frequent value ends its part; what is left is shared out anew.
std::vector<std::size_t> Share(std::span<const Distinct> distinct, std::size_t parts_max) {
  std::vector<std::size_t> ends;
  std::size_t rows_left = 0;
  for (const Distinct& one : distinct) rows_left += one.rows;
  std::size_t parts_left = parts_max;
  std::size_t in_part = 0;
  for (std::size_t i = 0; i + 1 < distinct.size(); ++i) {
    in_part += distinct[i].rows;
    const bool full = distinct.size() <= parts_max || in_part * parts_left >= rows_left;
    if (!full || parts_left == 1) continue;
    ends.push_back(i + 1);
    rows_left -= in_part;
    in_part = 0;
    --parts_left;
  }
  if (!distinct.empty()) ends.push_back(distinct.size());
  return ends;
}

// The ends of the levels of one bin: its first `alone_first` and last `alone_last` values are
// levels of their own.
std::vector<std::size_t> LevelsOf(std::span<const Distinct> bin, std::size_t levels_max,
                                  std::size_t alone_first, std::size_t alone_last) {
  if (bin.size() <= levels_max) return Share(bin, levels_max);
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < alone_first; ++i) ends.push_back(i + 1);
  const std::size_t rest = bin.size() - alone_first - alone_last;
  for (const std::size_t end :
       Share(bin.subspan(alone_first, rest), levels_max - alone_first - alone_last)) {
    ends.push_back(alone_first + end);
  }
  for (std::size_t i = bin.size() - alone_last; i < bin.size(); ++i) ends.push_back(i + 1);
  return ends;
}

}  // namespace

LevelCode FeatureBins::Code(double value) const {
  const std::size_t bin = CountBelow(upper.data(), upper.size(), value);
  const std::size_t begin = first[bin];
  // The last level that begins at or below the value, or, from halfway on, the next.
  const std::size_t size = first[bin + 1] - begin;
  std::size_t level = begin + CountNotAbove(low.data() + begin + 1, size - 1, value);
  if (level + 1 < begin + size && value > Midpoint(high[level], low[level + 1])) ++level;
  return static_cast<LevelCode>(bin << 8U | (level - begin));
}

LevelCode FeatureBins::FirstOf(std::size_t bin) { return static_cast<LevelCode>(bin << 8U); }

LevelCode FeatureBins::LastOf(std::size_t bin) const {
  return static_cast<LevelCode>(bin << 8U | (first[bin + 1] - first[bin] - 1));
}

double FeatureBins::Threshold(LevelCode code, LevelCode next) const {
  const auto level = [&](LevelCode of) { return first[of >> 8U] + (of & 0xFFU); };
  return Midpoint(high[level(code)], low[level(next)]);
}

FeatureBins ChooseBins(std::vector<double>& values, std::size_t bins_max, std::size_t levels_max) {
  FeatureBins bins;
  std::ranges::sort(values);
  const std::vector<Distinct> distinct = DistinctOf(values);
  const std::vector<std::size_t> ends = Share(distinct, bins_max);
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    if (begin > 0) {
      bins.upper.push_back(Midpoint(distinct[begin - 1].value, distinct[begin].value));
    }
    bins.first.push_back(static_cast<std::uint32_t>(bins.levels()));
    const std::size_t alone_first = begin == 0 ? levels_max / 3 : 0;
    const std::size_t alone_last = end == distinct.size() ? levels_max / 3 : 0;
    std::size_t from = begin;
    for (const std::size_t level_end : LevelsOf(std::span(distinct).subspan(begin, end - begin),
                                                levels_max, alone_first, alone_last)) {
      bins.low.push_back(distinct[from].value);
      bins.high.push_back(distinct[begin + level_end - 1].value);
      bins.exact = bins.exact && from + 1 == begin + level_end;
      from = begin + level_end;
    }
    begin = end;
  }
  if (!ends.empty()) bins.first.push_back(static_cast<std::uint32_t>(bins.levels()));
  return bins;
}

}  // namespace dml::learn
