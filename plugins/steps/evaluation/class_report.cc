#include "plugins/steps/evaluation/class_report.h"

#include <fmt/format.h>

#include "plugins/api/panel.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/ranking.h"

namespace dml::steps {

namespace {

Json NumberOrNull(const learn::Score& score) {
  return score.defined() ? Json(*score.value) : Json();
}

void AddFiguresByClass(const std::vector<std::string>& classes,
                       const learn::ConfusionMatrix& confusion, Json& metrics, Json& panels) {
  std::vector<std::vector<Json>> rows;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const Json precision = NumberOrNull(confusion.Precision(c));
    const Json recall = NumberOrNull(confusion.Recall(c));
    const Json f1 = NumberOrNull(confusion.F1(c));
    rows.push_back({classes[c], precision, recall, f1, confusion.support(c)});
    if (classes.size() > kClassesInMetrics) continue;
    // The averages count what is undefined as 0, and so must whoever compares a figure.
    const auto figure = [](const Json& shown) { return shown.is_null() ? Json(0.0) : shown; };
    metrics["per_class"][classes[c]] = {{"precision", figure(precision)},
                                        {"recall", figure(recall)},
                                        {"f1", figure(f1)},
                                        {"support", confusion.support(c)}};
  }
  panels.push_back(
      plugins::TablePanel("By class", {"class", "precision", "recall", "f1", "support"}, rows));
}

void AddCurves(const std::vector<std::string>& classes, const learn::Predictions& predictions,
               Json& panels) {
  std::vector<plugins::Series> roc;
  std::vector<plugins::Series> precision_recall;
  for (std::size_t c = predictions.classes == 2 ? 1 : 0; c < predictions.classes; ++c) {
    const learn::Ranking ranking(predictions, c);
    const learn::Curve curve = learn::RocCurve(ranking);
    roc.push_back({classes[c], curve.x, curve.y});
    const learn::Curve recall = learn::PrecisionRecallCurve(ranking);
    precision_recall.push_back({classes[c], recall.x, recall.y});
  }
  panels.push_back(
      plugins::LinesPanel("ROC curve", "false positive rate", "true positive rate", roc));
  panels.push_back(
      plugins::LinesPanel("Precision and recall", "recall", "precision", precision_recall));
}

void AddConfusion(const std::vector<std::string>& classes, const learn::ConfusionMatrix& confusion,
                  Json& panels) {
  std::vector<std::vector<double>> counts(classes.size());
  for (std::size_t truth = 0; truth < classes.size(); ++truth) {
    for (std::size_t predicted = 0; predicted < classes.size(); ++predicted) {
      counts[truth].push_back(confusion.count(truth, predicted));
    }
  }
  panels.push_back(plugins::ConfusionPanel("Confusion matrix", classes, counts));
}

void AddGains(const std::string& positive, const learn::Predictions& predictions, Json& metrics,
              Json& panels) {
  std::vector<std::vector<Json>> rows;
  for (const learn::GainRow& row : learn::ThresholdTable(learn::Ranking(predictions, 1))) {
    const std::string depth = fmt::format("{:.0f}", row.depth * 100);
    rows.push_back({depth + " %", row.threshold, row.positive_rate, row.gain, row.lift});
    metrics["lift"]["top_" + depth + "_percent"] = row.lift;
  }
  if (rows.empty()) return;
  panels.push_back(plugins::TablePanel(
      fmt::format("Gains: the rows most likely '{}' first", positive),
      {"rows", "probability at least", "rate in this tenth", "share found", "lift"}, rows));
}

}  // namespace

std::vector<MetricSpec> ClassMetrics() {
  return {{"per_class.*.precision", "precision of a class; of 100 classes at most"},
          {"per_class.*.recall", "recall of a class; of 100 classes at most"},
          {"per_class.*.f1", "F1 of a class; of 100 classes at most"},
          {"per_class.*.support", "rows of a class; of 100 classes at most"},
          {"lift.top_*_percent",
           "lift among the likeliest rows, 10 to 100 percent of them; of two "
           "classes"}};
}

void ReportClasses(const std::vector<std::string>& classes, const learn::Predictions& predictions,
                   Json& metrics, Json& panels) {
  const learn::ConfusionMatrix confusion(predictions);
  AddFiguresByClass(classes, confusion, metrics, panels);
  AddCurves(classes, predictions, panels);
  AddConfusion(classes, confusion, panels);
  if (predictions.classes == 2) AddGains(classes[1], predictions, metrics, panels);
}

}  // namespace dml::steps
