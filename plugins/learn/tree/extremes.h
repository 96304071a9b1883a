#pragma once

#include <cstddef>
#include <iterator>
#include <set>
#include <vector>

namespace dml::learn {

// The smallest and largest distinct values of many, the same in whatever order they are seen.
class Extremes {
 public:
  explicit Extremes(std::size_t each_max) : each_max_(each_max) {}

  void Add(double value) {
    if (each_max_ == 0) return;
    if (low_.size() < each_max_ || value < *low_.rbegin()) {
      low_.insert(value);
      if (low_.size() > each_max_) low_.erase(std::prev(low_.end()));
    }
    if (high_.size() < each_max_ || value > *high_.begin()) {
      high_.insert(value);
      if (high_.size() > each_max_) high_.erase(high_.begin());
    }
  }
  void Merge(const Extremes& other) {
    for (const double value : other.low_) Add(value);
    for (const double value : other.high_) Add(value);
  }
  void AppendTo(std::vector<double>& values) const {
    values.insert(values.end(), low_.begin(), low_.end());
    values.insert(values.end(), high_.begin(), high_.end());
  }

 private:
  std::size_t each_max_;
  std::set<double> low_;
  std::set<double> high_;
};

}  // namespace dml::learn
