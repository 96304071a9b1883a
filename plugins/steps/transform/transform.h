#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/step_spec.h"
#include "plugins/api/params.h"
#include "plugins/learn/execution.h"
#include "plugins/table/batch.h"

namespace dml::steps {

class RowRule;
class RowView;

// What a transform learnt from the rows it was fitted on, ready to be applied to any rows of the
// same raw columns. Each output row is a function of the same input row alone, and Apply() drops
// and adds none: that is why it may live inside a model. Immutable, thread-safe.
class FittedTransform {
 public:
  virtual ~FittedTransform() = default;

  // The batch with some columns replaced, added or removed. The schema of the result depends on
  // the schema of the batch alone (a batch of no rows tells it). Values that cannot be transformed
  // are kInvalid with column and row (batch.first_row + row + 1).
  [[nodiscard]] virtual Result<table::Batch> Apply(table::Batch batch) const = 0;

  // Everything Apply() needs, exactly: doubles survive the text form. The type's `load` reverses
  // it.
  [[nodiscard]] virtual Json Save() const = 0;

  // What is to be said of the rows it was fitted on; not saved.
  [[nodiscard]] virtual std::vector<std::string> Warnings() const { return {}; }

  // Whether it compares the values of this column with those of training as text, so that any text
  // has a meaning to it although the column held numbers then.
  [[nodiscard]] virtual bool ComparesText(std::string_view column) const {
    (void)column;
    return false;
  }

  // Itself, if all it does is to leave rows out (row_rule.h); null for nearly all.
  [[nodiscard]] virtual const RowRule* AsRowRule() const { return nullptr; }

  // Names of the features inside a sparse column that this transform made; empty for any other.
  [[nodiscard]] virtual std::vector<std::string> FeatureNames(std::string_view column) const {
    (void)column;
    return {};
  }
};

using FittedTransformPtr = std::shared_ptr<const FittedTransform>;

template <typename Fitted, typename... Args>
FittedTransformPtr MakeFitted(Args&&... args) {
  return std::make_shared<const Fitted>(std::forward<Args>(args)...);
}

// A kind of transform: its declaration, how to fit it to rows, and how to read it back. Fitting
// sees the rows through the transforms before it, and gives the same bits for any partitioning of
// the rows and any number of threads.
struct TransformType {
  TransformSpec spec;
  std::function<Result<FittedTransformPtr>(const Json& params, const RowView& rows,
                                           const learn::Execution& execution)>
      fit;
  std::function<Result<FittedTransformPtr>(const Json& saved)> load;
  // Raised when results change: a part of the keys of "preprocess.<name>" and of every step that
  // trains.
  int version = 1;
  // Whether fitting looks at rows; if not, the step "preprocess.<name>" is row-local.
  bool learns = true;
  // Whether a step type of its own does this to tables, so that "preprocess.<name>" is not needed.
  bool has_own_step = false;
  // Whether what it fits is a RowRule.
  bool drops_rows = false;
  // Defaults that the step "preprocess.<name>" has instead of those inside a model.
  Json table_defaults = Json::object();
};

// Declares a transform from its parameter struct and two functions. `Fitted` needs a static
// Result<FittedTransformPtr> Load(const Json&), which may throw Json::exception on a damaged state.
template <typename Fitted, typename Params>
TransformType MakeTransformType(TransformSpec spec, const plugins::ParamSchema<Params>& schema,
                                Result<FittedTransformPtr> (*fit)(const Params& params,
                                                                  const RowView& rows,
                                                                  const learn::Execution&)) {
  spec.params = schema.specs();
  spec.check = schema.check();
  auto bound = [schema, fit, check = spec.check](
                   const Json& params, const RowView& rows,
                   const learn::Execution& execution) -> Result<FittedTransformPtr> {
    DML_RETURN_IF_ERROR(plugins::RequireValid(check, params));
    return fit(schema.Read(params), rows, execution);
  };
  auto load = [name = spec.name](const Json& saved) -> Result<FittedTransformPtr> {
    try {
      return Fitted::Load(saved);
    } catch (const Json::exception&) {
      return Error::Invalid("the saved state of the transform '" + name + "' is damaged",
                            "train the model again");
    }
  };
  return {std::move(spec), std::move(bound), std::move(load)};
}

// The columns that `columns:` of a transform means, in the order of the schema for a selector, as
// written for a list. Selectors: numeric (float, int, bool), categorical (dictionary-coded),
// text (free text), all. An unknown name (with a suggestion) and a name given twice are kInvalid; a
// selector may find none.
Result<std::vector<std::string>> ResolveColumns(const plugins::Columns& columns,
                                                const table::Schema& schema);

}  // namespace dml::steps
