#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace dml::learn {

// Whether what is predicted deviates from its mean in the same way in neighbours - levels of a
// feature, in order - as it does where it follows the feature, whatever the pattern. Else the
// product of two neighbours' deviations is around zero, and as the squares of these products tell
// how far their sum scatters, neither weights nor outliers have to be known.
class NeighbourAgreement {
 public:
  // The deviation of the next level, in each target: several for classes.
  explicit NeighbourAgreement(std::size_t targets) : deviation_(targets), previous_(targets) {}
  [[nodiscard]] std::vector<double>& deviation() { return deviation_; }
  void Next() {
    double product = 0.0;
    for (std::size_t c = 0; c < deviation_.size(); ++c) product += deviation_[c] * previous_[c];
    if (has_previous_) {
      sum_ += product;
      squares_ += product * product;
    }
    deviation_.swap(previous_);
    has_previous_ = true;
  }
  // What comes next is no neighbour of what was before.
  void Break() { has_previous_ = false; }

  // The sum of the products, and whether it is so many standard deviations above zero.
  [[nodiscard]] double sum() const { return sum_; }
  [[nodiscard]] bool IsBeyond(double deviations) const {
    return squares_ > 0 && sum_ > deviations * std::sqrt(squares_);
  }

 private:
  std::vector<double> deviation_;
  std::vector<double> previous_;
  bool has_previous_ = false;
  double sum_ = 0.0;
  double squares_ = 0.0;
};

}  // namespace dml::learn
