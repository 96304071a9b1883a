#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/transform.h"

namespace dml::steps {

// A transform that leaves rows out and changes none. A model that holds one is fitted to the rows
// that it keeps, and has no answer for the others. Whether a row stays is a function of that row
// alone. Where the rows are seen through it, the view leaves them out (chain.h): Apply() only says
// whether the columns it looks at are there.
class RowRule : public FittedTransform {
 public:
  // As in the list `preprocess:`.
  [[nodiscard]] virtual std::string_view name() const = 0;
  // The rows of the batch that stay, ascending. Values that cannot be judged are kInvalid with
  // their row, as in Apply().
  [[nodiscard]] virtual Result<std::vector<std::uint32_t>> Keep(
      const table::Batch& batch) const = 0;
  // Whether the values of its columns matter to it, and not only whether there is one.
  [[nodiscard]] virtual bool JudgesValues() const { return true; }

  [[nodiscard]] const RowRule* AsRowRule() const final { return this; }
};

// What rules have in common, as the reference page says it.
inline constexpr char kRowRuleFormula[] =
    "the model learns from the rows that stay; of new rows, those that it drops get an empty "
    "prediction and take no part in an evaluation";

// Declares a rule, as MakeTransformType() any transform. To tables, a step of its own does the
// same.
template <typename Rule, typename Params>
TransformType MakeRowRuleType(std::string name, std::string summary,
                              const plugins::ParamSchema<Params>& schema,
                              Result<FittedTransformPtr> (*fit)(const Params& params,
                                                                const RowView& rows,
                                                                const learn::Execution&)) {
  TransformSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.formula = kRowRuleFormula;
  spec.columns = SameColumns;
  TransformType type = MakeTransformType<Rule>(std::move(spec), schema, fit);
  type.learns = false;
  type.has_own_step = true;
  type.drops_rows = true;
  return type;
}

// The view through `rule`, which is one, without the rows that it leaves out. Looks at all rows.
Result<RowView> ThroughRule(FittedTransformPtr rule, const RowView& rows,
                            const learn::Execution& execution);

// How many rows the rules of a view leave out, and which of them did.
struct DroppedRows {
  std::uint64_t rows = 0;
  std::string share;  // "12 of 100 rows"
  std::string by;     // "10 by drop_missing, 2 by filter"
};
[[nodiscard]] DroppedRows DescribeDropped(const RowView& rows);

}  // namespace dml::steps
