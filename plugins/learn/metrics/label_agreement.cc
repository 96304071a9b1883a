#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "plugins/learn/metrics/clustering.h"

namespace dml::learn {

namespace {

struct Contingency {
  const std::map<std::pair<std::string, std::int32_t>, std::int64_t>& cells;
  std::map<std::string, std::int64_t> truth = {};
  std::map<std::int32_t, std::int64_t> found = {};
  std::int64_t rows = 0;
};

Contingency SumUp(const LabelCounts& counts) {
  Contingency table{counts.pairs};
  for (const auto& [labels, rows] : counts.pairs) {
    table.truth[labels.first] += rows;
    table.found[labels.second] += rows;
    table.rows += rows;
  }
  return table;
}

double SquareSum(const auto& counts) {
  double sum = 0.0;
  for (const auto& [label, count] : counts) {
    sum += static_cast<double>(count) * static_cast<double>(count);
  }
  return sum;
}

// Over pairs of rows, from the pair confusion matrix as scikit-learn does.
double AdjustedRand(const Contingency& table) {
  const auto n = static_cast<double>(table.rows);
  const double together = SquareSum(table.cells);
  const double of_truth = SquareSum(table.truth);
  const double of_found = SquareSum(table.found);
  const double both = together - n;
  const double only_truth = of_truth - together;
  const double only_found = of_found - together;
  const double neither = n * n - of_truth - of_found + together;
  if (only_truth == 0.0 && only_found == 0.0) return 1.0;
  return 2.0 * (both * neither - only_truth * only_found) /
         ((both + only_truth) * (only_truth + neither) +
          (both + only_found) * (only_found + neither));
}

double Entropy(const auto& counts, double n) {
  RowSum sum;
  for (const auto& [label, count] : counts) {
    const double share = static_cast<double>(count) / n;
    sum.Add(-share * std::log(share));
  }
  return sum.value();
}

double MutualInformation(const Contingency& table) {
  const auto n = static_cast<double>(table.rows);
  RowSum sum;
  for (const auto& [labels, count] : table.cells) {
    const auto both = static_cast<double>(count);
    const auto truth = static_cast<double>(table.truth.at(labels.first));
    const auto found = static_cast<double>(table.found.at(labels.second));
    sum.Add(both / n * std::log(both * n / (truth * found)));
  }
  return std::max(sum.value(), 0.0);
}

}  // namespace

void LabelCounts::Merge(const LabelCounts& right) {
  for (const auto& [labels, rows] : right.pairs) pairs[labels] += rows;
}

LabelAgreement CompareLabels(const LabelCounts& counts) {
  const Contingency table = SumUp(counts);
  LabelAgreement agreement;
  if (table.rows == 0) {
    const Score none = Score::Undefined("There are no rows to evaluate.");
    return {none, none, none, none, none};
  }
  const auto n = static_cast<double>(table.rows);
  const double h_truth = Entropy(table.truth, n);
  const double h_found = Entropy(table.found, n);
  const double mutual = MutualInformation(table);
  const double homogeneity = h_truth > 0 ? mutual / h_truth : 1.0;
  const double completeness = h_found > 0 ? mutual / h_found : 1.0;
  const double sum = homogeneity + completeness;
  const double mean_entropy = 0.5 * (h_truth + h_found);
  agreement.adjusted_rand = Score::Of(AdjustedRand(table));
  agreement.normalized_mutual = Score::Of(mean_entropy > 0 ? mutual / mean_entropy : 1.0);
  agreement.homogeneity = Score::Of(homogeneity);
  agreement.completeness = Score::Of(completeness);
  agreement.v_measure = Score::Of(sum > 0 ? 2.0 * homogeneity * completeness / sum : 0.0);
  return agreement;
}

}  // namespace dml::learn
