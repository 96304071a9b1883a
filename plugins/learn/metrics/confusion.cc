#include "plugins/learn/metrics/confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace dml::learn {

namespace {

constexpr const char* kNoRowsInMatrix = "There are no rows to evaluate.";

Score Ratio(double numerator, double denominator, std::string why_undefined) {
  if (!(denominator > 0)) return Score::Undefined(std::move(why_undefined));
  return Score::Of(numerator / denominator);
}

Score OfClass(const ConfusionMatrix& matrix, ClassMetric metric, std::size_t c) {
  switch (metric) {
    case ClassMetric::kPrecision:
      return matrix.Precision(c);
    case ClassMetric::kRecall:
      return matrix.Recall(c);
    case ClassMetric::kF1:
      return matrix.F1(c);
  }
  DML_UNREACHABLE("every metric is handled");
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(const Predictions& predictions)
    : classes_(predictions.classes + predictions.unseen), counts_(classes_ * classes_) {
  for (std::size_t c = 0; c < classes_; ++c) titles_.push_back(predictions.ClassTitle(c));
  for (std::size_t i = 0; i < predictions.rows(); ++i) {
    const auto row = predictions.output.subspan(i * predictions.classes, predictions.classes);
    const std::size_t best = predictions.Decide(row);
    counts_[static_cast<std::size_t>(predictions.y[i]) * classes_ + best] += predictions.w(i);
  }
  SumUp();
}

ConfusionMatrix::ConfusionMatrix(std::size_t classes, std::vector<double> counts)
    : classes_(classes), counts_(std::move(counts)) {
  DML_CHECK(counts_.size() == classes * classes, "one count per pair of classes");
  SumUp();
}

void ConfusionMatrix::SumUp() {
  truth_.assign(classes_, 0.0);
  predicted_.assign(classes_, 0.0);
  for (std::size_t t = 0; t < classes_; ++t) {
    for (std::size_t p = 0; p < classes_; ++p) {
      truth_[t] += count(t, p);
      predicted_[p] += count(t, p);
      total_ += count(t, p);
    }
  }
}

std::string ConfusionMatrix::TitleOf(std::size_t c) const {
  return titles_.empty() ? fmt::format("Class {}", c) : titles_[c];
}

Score ConfusionMatrix::Accuracy() const {
  double correct = 0.0;
  for (std::size_t c = 0; c < classes_; ++c) correct += count(c, c);
  return Ratio(correct, total_, kNoRowsInMatrix);
}

Score ConfusionMatrix::BalancedAccuracy() const {
  double sum = 0.0;
  double present = 0.0;
  for (std::size_t c = 0; c < classes_; ++c) {
    if (!(support(c) > 0)) continue;
    sum += count(c, c) / support(c);
    present += 1.0;
  }
  return Ratio(sum, present, kNoRowsInMatrix);
}

Score ConfusionMatrix::Mcc() const {
  double correct = 0.0;
  double cross = 0.0;
  double predicted_squares = 0.0;
  double truth_squares = 0.0;
  for (std::size_t c = 0; c < classes_; ++c) {
    correct += count(c, c);
    cross += support(c) * predicted(c);
    predicted_squares += predicted(c) * predicted(c);
    truth_squares += support(c) * support(c);
  }
  const double of_predicted = total_ * total_ - predicted_squares;
  const double of_truth = total_ * total_ - truth_squares;
  if (!(of_predicted > 0) || !(of_truth > 0)) {
    return Score::Undefined(
        "Matthews' correlation needs two classes among the rows and two among the predictions.");
  }
  return Score::Of((correct * total_ - cross) / std::sqrt(of_predicted * of_truth));
}

Score ConfusionMatrix::Precision(std::size_t c) const {
  return Ratio(count(c, c), predicted(c), TitleOf(c) + " is never predicted.");
}

Score ConfusionMatrix::Recall(std::size_t c) const {
  return Ratio(count(c, c), support(c), TitleOf(c) + " does not occur.");
}

Score ConfusionMatrix::F1(std::size_t c) const {
  return Ratio(2 * count(c, c), support(c) + predicted(c),
               TitleOf(c) + " neither occurs nor is predicted.");
}

Score CountedAsZero(const ConfusionMatrix& matrix, Score score) {
  if (score.defined() || !(matrix.total() > 0)) return score;
  return Score::Of(0.0, score.note + " It counts as 0.");
}

Score Averaged(const ConfusionMatrix& matrix, ClassMetric metric, Average average) {
  if (!(matrix.total() > 0)) return Score::Undefined(kNoRowsInMatrix);
  // Every row has one true and one predicted class, so all three micro averages are the accuracy.
  if (average == Average::kMicro) return matrix.Accuracy();
  double sum = 0.0;
  double weights = 0.0;
  std::string first_note;
  std::size_t noted = 0;
  for (std::size_t c = 0; c < matrix.classes(); ++c) {
    if (!(matrix.support(c) > 0) && !(matrix.predicted(c) > 0)) continue;
    const double weight = average == Average::kMacro ? 1.0 : matrix.support(c);
    const Score score = CountedAsZero(matrix, OfClass(matrix, metric, c));
    if (!score.note.empty() && noted++ == 0) first_note = score.note;
    sum += weight * *score.value;
    weights += weight;
  }
  if (noted > 1) {
    first_note += noted == 2 ? std::string(" So does 1 more class.")
                             : fmt::format(" So do {} more classes.", noted - 1);
  }
  return Score::Of(sum / weights, first_note);
}

}  // namespace dml::learn
