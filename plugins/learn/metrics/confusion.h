#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plugins/learn/metrics/score.h"

namespace dml::learn {

// Counts (sums of weights) of true class x predicted class, and everything that follows from them.
// The predicted class is the one that Predictions::Decide says; unseen classes come last and are
// never predicted. Counts of
// unweighted rows are exact up to 2^53.
class ConfusionMatrix {
 public:
  // Copies what it needs.
  explicit ConfusionMatrix(const Predictions& predictions);
  // From counts given row by row, true classes x predicted classes.
  ConfusionMatrix(std::size_t classes, std::vector<double> counts);

  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] double count(std::size_t truth, std::size_t predicted) const {
    return counts_[truth * classes_ + predicted];
  }
  [[nodiscard]] double support(std::size_t c) const { return truth_[c]; }
  [[nodiscard]] double predicted(std::size_t c) const { return predicted_[c]; }
  [[nodiscard]] double total() const { return total_; }

  [[nodiscard]] Score Accuracy() const;
  // Mean recall over the classes that occur.
  [[nodiscard]] Score BalancedAccuracy() const;
  // Matthews' correlation, for any number of classes (Gorodkin 2004).
  [[nodiscard]] Score Mcc() const;
  [[nodiscard]] Score Precision(std::size_t c) const;
  [[nodiscard]] Score Recall(std::size_t c) const;
  [[nodiscard]] Score F1(std::size_t c) const;

 private:
  void SumUp();
  [[nodiscard]] std::string TitleOf(std::size_t c) const;

  std::size_t classes_;
  std::vector<std::string> titles_;  // "Class 'yes'"; empty: by index
  std::vector<double> counts_;
  std::vector<double> truth_;
  std::vector<double> predicted_;
  double total_ = 0.0;
};

enum class ClassMetric { kPrecision, kRecall, kF1 };

// A figure that is undefined although there are rows counts as 0, and its note says so:
// scikit-learn's zero_division.
[[nodiscard]] Score CountedAsZero(const ConfusionMatrix& matrix, Score score);

// How the figures of single classes become one. Classes that neither occur nor are predicted are
// left out; an undefined figure counts as 0, which is scikit-learn's rule, and the first such class
// is named.
enum class Average { kMacro, kWeighted, kMicro };

[[nodiscard]] Score Averaged(const ConfusionMatrix& matrix, ClassMetric metric, Average average);

}  // namespace dml::learn
