#pragma once

#include "plugins/api/params.h"
#include "plugins/api/step.h"
#include "plugins/steps/split/holdout.h"
#include "plugins/steps/split/row_keys.h"

namespace dml::steps {

// The steps that divide rows, one file each.
plugins::StepType SplitTrainTestStep();
plugins::StepType SplitKfoldStep();
plugins::StepType SampleStep();

// How rows are told apart: the parameters that the splits share.
struct SplitKeys {
  plugins::ColumnName stratify;
  plugins::ColumnName group;
  plugins::ColumnName time;
  bool shuffle = true;
  std::uint64_t seed = 0;

  // Columns that exclude each other, or that need shuffling.
  void Check(plugins::Problems& problems) const;
};

template <typename Params>
plugins::ParamSchema<Params> WithSplitKeys(plugins::ParamSchema<Params> schema) {
  using plugins::ColumnName;
  return schema
      .Add("stratify", static_cast<ColumnName Params::*>(&SplitKeys::stratify),
           "column whose values keep their shares")
      .Add("group", static_cast<ColumnName Params::*>(&SplitKeys::group),
           "column whose equal values stay on one side; the sizes come as near to those asked for "
           "as whole groups allow")
      .Add("time", static_cast<ColumnName Params::*>(&SplitKeys::time),
           "column by which later rows are tested on")
      .Add("shuffle", static_cast<bool Params::*>(&SplitKeys::shuffle),
           "choose rows at random; otherwise in the order of the table")
      .Add("seed", static_cast<std::uint64_t Params::*>(&SplitKeys::seed), "seed of the choice")
      .Check([](const Params& params, plugins::Problems& problems) { params.Check(problems); });
}

// Warns if the test side misses the `asked` rows by more than 5 points of the whole, as it may when
// rows with the same key stay together.
void WarnOfShare(const SplitKeys& keys, const RowSides& sides, std::uint64_t asked,
                 plugins::StepContext& context);

// Writes the outputs `train` and `test` and their numbers of rows as metrics.
Result<void> WriteTrainTest(const table::Table& table, const RowSides& sides,
                            plugins::StepContext& context);

[[nodiscard]] std::vector<MetricSpec> SplitMetrics();

}  // namespace dml::steps
