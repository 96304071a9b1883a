#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/metric_spec.h"
#include "plugins/learn/metrics/score.h"

namespace dml::steps {

// How well each class is told apart. Panels: figures by class, ROC and precision-recall curves
// (every class against the rest; of two classes, those of the second alone), the confusion matrix,
// and of two classes the table of gains. Metrics: `per_class.<class>.{precision, recall, f1,
// support}` up to kClassesInMetrics classes (undefined ones are 0), and of two classes
// `lift.top_10_percent` and so on.
inline constexpr std::size_t kClassesInMetrics = 100;

// `classes` names them all, those that the model has not seen last: these have figures and a place
// in the confusion matrix, and no curve.
void ReportClasses(const std::vector<std::string>& classes, const learn::Predictions& predictions,
                   Json& metrics, Json& panels);

// Those metrics.
[[nodiscard]] std::vector<MetricSpec> ClassMetrics();

}  // namespace dml::steps
