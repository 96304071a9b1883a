#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/report/run_facts.h"

namespace dml::report {

// The numbers of a metrics object by dotted path, sorted: {"cv": {"roc_auc": 0.7}} ->
// ("cv.roc_auc", 0.7). Arrays and text are left out: they are for panels, not for comparisons.
std::vector<std::pair<std::string, double>> FlattenMetrics(const Json& metrics);

// Tasks that measure the same beside each other: a row a task, a column a metric any of them has.
struct MetricsTable {
  std::string title;  // the step, or the type when several steps share the table
  std::string type;
  std::vector<std::string> metrics;
  struct Row {
    std::string task;
    std::vector<std::optional<double>> values;      // as metrics
    std::map<std::size_t, std::string> texts = {};  // where there is no number, by place in metrics
  };
  std::vector<Row> rows;
};

// Steps that judge models, evaluate.* and select.*: their figures are what a run is for.
bool IsVerdict(const std::string& type);

// A table for every step whose tasks measured something, in declaration order. Steps of one
// evaluating type share a table, so that models can be compared; what they nest, such as the
// figures of every class, are details that tables leave out; of what select.best chose, they also
// have what is no number.
std::vector<MetricsTable> MetricsTables(const RunFacts& run);

// One metric of one task in two runs.
struct MetricChange {
  std::string task;
  std::string metric;
  std::optional<double> before;
  std::optional<double> after;
  [[nodiscard]] bool changed() const { return before != after; }
};

// All metrics of both runs, matched by task name and path; in the order of `after`, then what only
// `before` has.
std::vector<MetricChange> DiffMetrics(const RunFacts& before, const RunFacts& after);

}  // namespace dml::report
