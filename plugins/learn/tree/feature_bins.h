#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dml::learn {

// How one feature becomes a byte: codes 0 .. count() - 1 in the order of the values, and count()
// for a missing value.
struct FeatureBins {
  std::vector<double> upper;  // value <= upper[b] lies in bin b or below; one less than bins
  std::vector<double> low;    // the smallest and largest training value in each bin
  std::vector<double> high;
  bool exact = true;  // each bin holds one distinct value

  [[nodiscard]] std::size_t count() const { return low.size(); }
  [[nodiscard]] std::uint8_t missing_code() const { return static_cast<std::uint8_t>(count()); }
  [[nodiscard]] std::uint8_t Code(double value) const;
  // Between the values of bin `b` and those of `next`, as seen in training: where a node without
  // rows in between is split. Equal to the midpoint of its neighbours when the bins are exact.
  [[nodiscard]] double Threshold(std::size_t b, std::size_t next) const;
};

// Chooses at most `bins_max` bins for finite values, given in any order (they are sorted in place):
// one per distinct value if those are few enough, else bins of about equal numbers of rows.
// The ranges low/high are left empty for the caller, who sees all values.
[[nodiscard]] FeatureBins ChooseBins(std::vector<double>& values, std::size_t bins_max);

}  // namespace dml::learn
