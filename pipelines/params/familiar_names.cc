#include "pipelines/params/familiar_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dml::pipelines {

namespace {

struct Familiar {
  std::string_view name;
  std::string_view here;  // what it is called here; "" if there is none, and `advice` says all
  std::string_view advice;
  std::string_view otherwise = {};  // what to say where `here` is not among the names
};

// Parameters of scikit-learn and pandas. Of several with one name the first whose `here` there is.
constexpr std::array kFamiliarParams = std::to_array<Familiar>({
    {"random_state", "seed", "write seed: 42", "leave it out: nothing here is random"},
    {"n_jobs", "",
     "threads are a resource of the step, beside with: - resources: {cpus: 4}; they do not change "
     "the result"},
    {"solver", "", "there is nothing to choose: the solver follows from the data"},
    {"algorithm", "", "there is nothing to choose: the algorithm follows from the data"},
    {"learning_rate", "", "there is none: the fit finds the length of its steps"},
    {"verbose", "", "`dml logs STEP` shows what a step says"},
    {"warm_start", "", "leave it out: a fit that was interrupted goes on from its checkpoint"},
    {"cv", "validate", "write validate: {folds: 5}"},
    {"cv", "folds", "write folds: 5"},
    {"k", "n_clusters", "write n_clusters: 8"},
    {"k", "folds", "write folds: 5"},
    {"n_splits", "folds", "write folds: 5"},
    {"n_trees", "n_estimators", "write n_estimators: 100"},
    {"num_trees", "n_estimators", "write n_estimators: 100"},
    {"lambda", "alpha", "write alpha: 1.0"},
    {"lambda", "C", "write C: 1.0, the inverse of it"},
    {"alpha", "C", "write C: 1.0, the inverse of it"},
    {"normalize", "preprocess", "write preprocess: [{standardize: {columns: numeric}}]"},
    {"scoring", "validate", "write validate: {folds: 5, scoring: roc_auc}"},
    {"sample_weight", "weight", "name the column: weight: w"},
    {"label", "target", "name the column: target: y"},
    {"y", "target", "name the column: target: y"},
    {"features", "drop", "every column is a feature but the target and those of drop: [a, b]"},
    {"pos_label", "positive", "write positive: yes"},
    {"sep", "delimiter", "write delimiter: ';'"},
    {"na_values", "null_values", "write null_values: ['?']"},
    {"dtype", "types", "write types: {column: float64}"},
    {"parse_dates", "types", "dates in ISO 8601 are found; else write types: {day: timestamp}"},
    {"skiprows", "skip_rows", "write skip_rows: 1"},
    {"names", "columns", "write columns: [a, b]"},
    {"gpus", "labels", "write labels: [gpu], and say in cluster.yaml which nodes have it"},
    {"gpu", "labels", "write labels: [gpu], and say in cluster.yaml which nodes have it"},
});

constexpr std::string_view kCommandAdvice =
    "run: takes a command: a list of arguments, or one text for /bin/sh";
constexpr std::string_view kFolderAdvice =
    "write run: 'cd FOLDER && ...'; a command with inputs or outputs has a folder of its own";
constexpr std::string_view kGoOnAdvice =
    "`dml run --keep-going` runs all that does not depend on a failure, and if: always() a step "
    "whatever came before";

// Keys of GitHub Actions, Ansible, Snakemake and Airflow.
constexpr std::array kFamiliarKeys = std::to_array<Familiar>({
    {"depends_on", "needs", "write needs: [a, b]"},
    {"depends-on", "needs", "write needs: [a, b]"},
    {"depends", "needs", "write needs: [a, b]"},
    {"upstream", "needs", "write needs: [a, b]"},
    {"after", "needs", "write needs: [a, b]"},
    {"when", "if", "write if: params.deploy"},
    {"condition", "if", "write if: params.deploy"},
    {"params", "with", "with: holds the parameters of a step"},
    {"parameters", "with", "with: holds the parameters of a step"},
    {"args", "with", "with: holds the parameters of a step"},
    {"type", "uses", "write uses: train.ridge"},
    {"type", "kind", "write kind: table"},
    {"module", "uses", "write uses: train.ridge"},
    {"script", "run", kCommandAdvice},
    {"command", "run", kCommandAdvice},
    {"cmd", "run", kCommandAdvice},
    {"shell", "run", kCommandAdvice},
    {"working-directory", "run", kFolderAdvice},
    {"working_directory", "run", kFolderAdvice},
    {"cwd", "run", kFolderAdvice},
    {"chdir", "run", kFolderAdvice},
    {"continue-on-error", "", kGoOnAdvice},
    {"ignore_errors", "", kGoOnAdvice},
    {"timeout-minutes", "timeout", "write timeout: 5m"},
    {"retries", "retry", "write retry: 3"},
    {"threads", "resources", "write resources: {cpus: 4}"},
    {"memory", "resources", "write resources: {memory: 4Gi}"},
    {"cpus", "resources", "write resources: {cpus: 4}"},
    {"loop", "foreach", "write foreach: [a, b]; ${item} is the element"},
    {"with_items", "foreach", "write foreach: [a, b]; ${item} is the element"},
    {"strategy", "matrix", "write matrix: {C: [0.1, 1]}, beside uses:"},
    {"environment", "env", "write env: {NAME: value}"},
    {"jobs", "steps", "one file is one list of steps"},
    {"tasks", "steps", "one file is one list of steps"},
    {"vars", "params", "write params: {seed: 42}"},
    {"variables", "params", "write params: {seed: 42}"},
    {"parameters", "params", "write params: {seed: 42}"},
    {"inputs", "params", "write params: {seed: 42}"},
    {"cron", "schedule", "write schedule: {cron: '0 2 * * *'}"},
    {"import", "include", "write include: [prepare.yaml]"},
});

std::string AdviceOf(std::span<const Familiar> table, std::string_view name,
                     std::span<const std::string> names) {
  std::string otherwise;
  for (const Familiar& familiar : table) {
    if (familiar.name != name) continue;
    if (familiar.here.empty()) return std::string(familiar.advice);
    if (std::ranges::find(names, familiar.here) != names.end()) {
      return fmt::format("here it is '{}': {}", familiar.here, familiar.advice);
    }
    otherwise = familiar.otherwise;
  }
  return otherwise;
}

}  // namespace

std::string HintForFamiliar(std::string_view name, std::span<const std::string> names) {
  return AdviceOf(kFamiliarParams, name, names);
}

std::string HintForFamiliarKey(std::string_view key, std::span<const std::string> keys) {
  return AdviceOf(kFamiliarKeys, key, keys);
}

}  // namespace dml::pipelines
