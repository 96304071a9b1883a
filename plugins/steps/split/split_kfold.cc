#include <fmt/format.h>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/split/split_steps.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

struct KfoldParams : SplitKeys {
  std::uint64_t folds = 5;
  std::uint64_t fold = 0;
};

void CheckFold(const KfoldParams& params, plugins::Problems& problems) {
  if (params.fold < params.folds) return;
  problems.Add("/fold", fmt::format("there is no fold {} of {}", params.fold, params.folds),
               fmt::format("folds count from 0 to {}", params.folds - 1));
}

plugins::ParamSchema<KfoldParams> KfoldParamsSchema() {
  return WithSplitKeys(plugins::ParamSchema<KfoldParams>()
                           .Add("folds", &KfoldParams::folds, "number of folds")
                           .AtLeast(2)
                           .Add("fold", &KfoldParams::fold,
                                "the fold to test on, counted from 0; such as ${matrix.fold}")
                           .Required()
                           .AtLeast(0)
                           .Check(CheckFold));
}

Result<std::vector<std::uint32_t>> Assign(const KfoldParams& params, const table::Table& table,
                                          plugins::StepContext& context) {
  if (!params.stratify.empty()) {
    DML_TRY(const RowKeys keys, ReadRowKeys(table, params.stratify.name));
    DML_TRY(std::vector<std::uint32_t> folds,
            AssignFoldsStratified(keys.numbers, params.folds, params.seed));
    if (const std::uint64_t rarest = keys.Rarest(); rarest < params.folds) {
      context.warnings.push_back(fmt::format(
          "The rarest value of '{}' has {} rows, fewer than {} folds: some folds lack it.",
          params.stratify.name, rarest, params.folds));
    }
    return folds;
  }
  if (!params.group.empty()) {
    DML_TRY(const RowKeys keys, ReadRowKeys(table, params.group.name));
    return AssignFoldsGrouped(keys.numbers, params.folds, params.seed);
  }
  return params.shuffle ? AssignFolds(table.rows(), params.folds, params.seed)
                        : AssignFoldsInOrder(table.rows(), params.folds);
}

Result<RowSides> Choose(const KfoldParams& params, const table::Table& table,
                        plugins::StepContext& context) {
  if (!params.time.empty()) {
    DML_TRY(const std::vector<double> times, ReadRowTimes(table, params.time.name));
    return SeriesFold(times, params.folds, params.fold);
  }
  DML_TRY(const std::vector<std::uint32_t> fold_of, Assign(params, table, context));
  RowSides sides;
  sides.reserve(fold_of.size());
  for (const std::uint32_t fold : fold_of) {
    sides.push_back(fold == params.fold ? Side::kTest : Side::kTrain);
  }
  return sides;
}

Result<void> Kfold(const KfoldParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(const RowSides sides, Choose(params, table, context));
  if (!params.group.empty()) {
    WarnOfShare(params, sides, table.rows() / params.folds, context);
  }
  return WriteTrainTest(table, sides, context);
}

}  // namespace

plugins::StepType SplitKfoldStep() {
  StepSpec spec;
  spec.name = "split.kfold";
  spec.summary = "One fold of a cross-validation: the rows to learn from and those to test on";
  spec.formula =
      "every row is tested on by exactly one fold; with time, fold i trains on the rows "
      "before those it tests on";
  spec.inputs = {TablePort("data", "the rows to divide")};
  spec.outputs = {TablePort("train", "the rows of the other folds"),
                  TablePort("test", "the rows of this fold")};
  spec.metrics = SplitMetrics();
  spec.columns = SameColumns;
  return MakeStepType(std::move(spec), KfoldParamsSchema(), Kfold);
}

}  // namespace dml::steps
