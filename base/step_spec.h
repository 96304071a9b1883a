#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metric_spec.h"
#include "base/param_spec.h"

namespace dml {

// What travels along an edge of the graph.
enum class PortKind { kTable, kModel, kFile };

// A named input or output of a step type.
struct PortSpec {
  std::string name;
  PortKind kind = PortKind::kTable;
  bool required = true;
  bool many = false;  // an input that takes several producers, or every task of a matrix
  // An input that stands for any number of them, each under a name that the user chooses and the
  // artifacts bear; a bare `input: x` is called `name`. The only input of its step type.
  bool named = false;
  std::string doc;
  // Of an input: what a model must be for, as ModelOutlook::task names it; empty: for anything.
  std::string model_task = {};
};

// What is wrong with parameters although each of them fits its declaration.
struct ParamProblem {
  std::string at;  // JSON pointer below the parameters, "/validate/scoring/0"; "" for them all
  std::string message;
  std::string hint = {};
  // Where in the text at `at`, in bytes, if the problem is a part of an expression.
  std::optional<std::size_t> offset = {};
};

// Judges bound parameters, every default filled in and every value known. Pure and quick: it may
// run once for each of 100,000 tasks. Absent: each declaration says it all.
using ParamCheck = std::function<std::vector<ParamProblem>(const Json& params)>;

// What is known of a model before it is trained.
struct ModelOutlook {
  std::string task = {};  // "classification", "regression", "clustering", "transform"; "" unknown
  // The scores that select.best can compare, if all of them are known: "cv.roc_auc".
  std::optional<std::vector<std::string>> metrics = {};
  // The names of the parameters it is trained with, if they are known.
  std::optional<std::vector<std::string>> params = {};
  // Besides the scores: the numbers of its fit, such as "inertia", or patterns, if they are known.
  std::optional<std::vector<std::string>> fit = {};
};

// The outlook of the model a step makes, from its parameters (null where the value is not known
// yet) and the outlooks of the models it is given. Pure.
using ModelForecast =
    std::function<ModelOutlook(const Json& params, std::span<const ModelOutlook> models)>;
// Judges parameters against the models that the step is given. Pure.
using ModelCheck = std::function<std::vector<ParamProblem>(const Json& params,
                                                           std::span<const ModelOutlook> models)>;

// The names that patterns among the declared metrics will stand for, where parameters (as of a
// ModelForecast) and the outlooks of the models tell them: {"cv.*": ["cv.r2", "cv.r2_std"]}. Pure.
using MetricForecast = std::function<std::map<std::string, std::vector<std::string>>(
    const Json& params, std::span<const ModelOutlook> models)>;

// The columns of a table that does not exist yet, in order; nothing if they are not known.
using ColumnNames = std::optional<std::vector<std::string>>;
// The columns of every table that is made of one with the columns `input`. Pure.
using ColumnForecast =
    std::function<ColumnNames(const Json& params, const std::vector<std::string>& input)>;
// A column that parameters name and that is not there.
struct UnknownColumn {
  std::string at;    // JSON pointer below the parameters, "/where"
  std::string name;  // as it is written
  // Where in the text at `at`, in bytes, if it is a part of an expression.
  std::optional<std::size_t> offset = {};
  std::string hint = {};  // what to do about it; empty: what any unknown column is told
};
// What parameters (as of a ColumnForecast) name inside expressions, or as keys, and a table with
// the columns `input` lacks. The types of parameters tell all other names of columns. Pure.
using ColumnCheck = std::function<std::vector<UnknownColumn>(
    const Json& params, const std::vector<std::string>& input)>;
// The columns that a step without inputs will give its table, told from the start of its files.
// Nothing if they cannot be told, whatever the reason: the step itself will say it.
using ColumnReader = std::function<ColumnNames(const Json& params)>;

// What a step type is, as data: the contract between the language and the plugins. The language
// validates against it, the plugins implement it, and neither includes the other.
struct StepSpec {
  std::string name;           // "train.ridge": a verb, a dot, scikit-learn's noun
  std::string summary;        // one line
  std::string formula;        // the objective or definition, as in the reference page; may be empty
  int algorithm_version = 1;  // part of the cache key; raised when results change
  std::vector<ParamSpec> params;
  std::vector<PortSpec> inputs;   // the first is what a bare `input: x` means
  std::vector<PortSpec> outputs;  // the first is what a bare reference means
  // Output rows of a partition depend on that partition alone: chains of such steps run fused.
  bool row_local = false;
  bool cacheable = true;
  // Of a step from table to table: why it cannot stand inside a model's `preprocess:`, as in "it
  // drops rows". Empty for all others.
  std::string table_only = {};
  ParamCheck check = {};
  ModelForecast forecast = {};
  ModelCheck check_models = {};
  // Everything that the step can report; nothing: it is not known.
  std::optional<std::vector<MetricSpec>> metrics = {};
  MetricForecast forecast_metrics = {};
  ColumnForecast columns = {};     // absent: unknown
  ColumnReader read_columns = {};  // of a loader whose files tell
  ColumnCheck check_columns = {};
};

// A preprocessing transform: usable inside `preprocess:`, and as the step "preprocess.<name>".
struct TransformSpec {
  std::string name;
  std::string summary;
  std::string formula;
  std::vector<ParamSpec> params;
  ParamCheck check = {};
  ColumnForecast columns = {};  // absent: unknown
  ColumnCheck check_columns = {};
};

// Everything a pipeline can name. Immutable after the composition root has filled it.
struct StepCatalog {
  std::vector<StepSpec> steps;
  std::vector<TransformSpec> transforms;

  [[nodiscard]] const StepSpec* FindStep(std::string_view name) const;
  [[nodiscard]] const TransformSpec* FindTransform(std::string_view name) const;
};

}  // namespace dml
