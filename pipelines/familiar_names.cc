#include "pipelines/familiar_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dml::pipelines {

namespace {

struct Familiar {
  std::string_view name;
  std::string_view here;  // the parameter; "" if there is none, and `advice` says all
  std::string_view advice;
  std::string_view otherwise = {};  // what to say where `here` is not a parameter
};

// Of scikit-learn and pandas.
constexpr std::array kFamiliar = std::to_array<Familiar>({
    {"random_state", "seed", "write seed: 42", "leave it out: nothing here is random"},
    {"n_jobs", "",
     "threads are a resource of the step, beside with: - resources: {cpus: 4}; they do not change "
     "the result"},
    {"solver", "", "there is nothing to choose: the solver follows from the data"},
    {"algorithm", "", "there is nothing to choose: the algorithm follows from the data"},
    {"verbose", "", "`dml logs STEP` shows what a step says"},
    {"warm_start", "", "leave it out: a fit that was interrupted goes on from its checkpoint"},
    {"cv", "validate", "write validate: {folds: 5}"},
    {"n_splits", "folds", "write folds: 5"},
    {"scoring", "validate", "write validate: {folds: 5, scoring: roc_auc}"},
    {"sample_weight", "weight", "name the column: weight: w"},
    {"label", "target", "name the column: target: y"},
    {"y", "target", "name the column: target: y"},
    {"features", "drop", "every column is a feature but the target and those of drop: [a, b]"},
    {"pos_label", "positive", "write positive: yes"},
    {"sep", "delimiter", "write delimiter: ';'"},
    {"na_values", "null_values", "write null_values: ['?']"},
    {"dtype", "types", "write types: {column: float64}"},
    {"skiprows", "skip_rows", "write skip_rows: 1"},
});

}  // namespace

std::string HintForFamiliar(std::string_view name, std::span<const std::string> names) {
  const auto found = std::ranges::find(kFamiliar, name, &Familiar::name);
  if (found == kFamiliar.end()) return {};
  if (found->here.empty()) return std::string(found->advice);
  if (std::ranges::find(names, found->here) == names.end()) {
    return std::string(found->otherwise);
  }
  return fmt::format("here it is '{}': {}", found->here, found->advice);
}

}  // namespace dml::pipelines
