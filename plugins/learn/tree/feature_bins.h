#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dml::learn {

// Where a value lies: the bin in the upper byte, the level inside the bin in the lower one. In the
// order of the values.
using LevelCode = std::uint16_t;

// How one feature becomes two bytes. Histograms count the first: the bin, 0 .. count() - 1 in the
// order of the values, and count() for a missing value. Each bin is divided into at most 256
// levels, the second byte, which tell values apart where a node is small or a bin decides.
struct FeatureBins {
  std::vector<double> upper;         // value <= upper[b] lies in bin b or below; one less than bins
  std::vector<std::uint32_t> first;  // number of each bin's first level, and of all levels
  std::vector<double> low;           // the smallest and largest value that made each level
  std::vector<double> high;
  bool exact = true;  // each level holds one distinct value

  [[nodiscard]] std::size_t count() const { return first.empty() ? 0 : first.size() - 1; }
  [[nodiscard]] std::size_t levels() const { return low.size(); }
  // Bins alone do not tell all levels apart.
  [[nodiscard]] bool divided() const { return levels() > count(); }
  [[nodiscard]] std::uint8_t missing_code() const { return static_cast<std::uint8_t>(count()); }
  [[nodiscard]] LevelCode Code(double value) const;
  // The codes of whole bins, as codes of their first and last level.
  [[nodiscard]] static LevelCode FirstOf(std::size_t bin);
  [[nodiscard]] LevelCode LastOf(std::size_t bin) const;
  // Between the values of level `code` and those of `next`: where a node without rows in between
  // is split. Equal to the midpoint of its neighbours where levels are exact.
  [[nodiscard]] double Threshold(LevelCode code, LevelCode next) const;
};

inline constexpr std::size_t kLevelsMax = 256;
// Of them, at either end of a feature with more values than levels: levels of one value each.
inline constexpr std::size_t kLevelsAlone = kLevelsMax / 3;

// Chooses at most `bins_max` bins for finite values, given in any order (they are sorted in place):
// one per distinct value if those are few enough, else bins of about equal numbers of rows. A bin's
// distinct values are its levels if they are at most `levels_max`, else levels are shared out in
// the same way, but at both ends of the feature the outermost values keep levels of their own.
[[nodiscard]] FeatureBins ChooseBins(std::vector<double>& values, std::size_t bins_max,
                                     std::size_t levels_max = kLevelsMax);

}  // namespace dml::learn
