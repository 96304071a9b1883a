#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace dml::learn {

// One number of an evaluation, or the reason why it does not exist. A metric never hides a zero
// division behind NaN: it is undefined and says why, or it counts as 0 where scikit-learn does so
// and says that. A defined value may carry a remark.
struct Score {
  std::optional<double> value;
  std::string note;  // why undefined, or what to know about the value; a full sentence, or empty

  static Score Of(double value, std::string note = {}) { return {value, std::move(note)}; }
  static Score Undefined(std::string why) { return {std::nullopt, std::move(why)}; }
  [[nodiscard]] bool defined() const { return value.has_value(); }
};

// What a metric that sorts the rows needs for each.
inline constexpr std::size_t kSortedRowBytes = 24;

// What a metric is computed from: all rows of an evaluation in row order. Borrowed, not owned.
struct Predictions {
  // Target value, or class index 0 .. classes - 1, and from there on of an unseen class.
  std::span<const double> y;
  std::span<const double> output;  // regression: one value per row; else rows x classes, row-major
  std::size_t classes = 0;         // 0 for regression
  std::span<const double> weight;  // non-negative; empty means 1
  // For remarks; empty: a class is called by its index.
  std::span<const std::string> class_names = {};
  // Where metrics sort, aligned, kSortedRowBytes a row; empty: they take memory of their own. Not
  // for two metrics at once.
  std::span<std::byte> room = {};
  // Of two classes: the probability from which on the second is the decision; without one it is
  // the likelier, as for several classes.
  std::optional<double> threshold = {};
  // Classes that occur and that the model has never seen, so that it gives them no probability. Who
  // counts decisions counts their rows as errors, who looks at probabilities passes them over.
  std::size_t unseen = 0;

  [[nodiscard]] std::size_t rows() const { return y.size(); }
  [[nodiscard]] double w(std::size_t i) const { return weight.empty() ? 1.0 : weight[i]; }
  [[nodiscard]] bool is_seen(std::size_t i) const {
    return unseen == 0 || y[i] < static_cast<double>(classes);
  }
  // The class that a row's probabilities decide for, the lower index on a tie.
  [[nodiscard]] std::size_t Decide(std::span<const double> row) const {
    if (threshold && classes == 2) return row[1] >= *threshold ? 1 : 0;
    return static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
  }
  // "Class 'yes'", to begin a sentence with.
  [[nodiscard]] std::string ClassTitle(std::size_t c) const {
    return class_names.empty() ? "Class " + std::to_string(c) : "Class '" + class_names[c] + "'";
  }
};

// Neumaier's compensated sum, taken in row order: the same bits however the rows were partitioned.
class RowSum {
 public:
  void Add(double x) {
    const double t = sum_ + x;
    lost_ += std::fabs(sum_) >= std::fabs(x) ? (sum_ - t) + x : (x - t) + sum_;
    sum_ = t;
  }
  // As if the other's numbers came after these.
  void Merge(const RowSum& right) {
    Add(right.sum_);
    lost_ += right.lost_;
  }
  [[nodiscard]] double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0.0;
  double lost_ = 0.0;
};

}  // namespace dml::learn
