#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/register.h"
#include "plugins/steps/split/select_rows.h"
#include "plugins/steps/split/split_steps.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

struct SplitParams : SplitKeys {
  Json test_size;
  Json train_size;
};

plugins::ParamSchema<SplitParams> SplitParamsSchema() {
  return WithSplitKeys(
      plugins::ParamSchema<SplitParams>()
          .AddJson("test_size", &SplitParams::test_size, plugins::CountOrShareSpec(),
                   "share or number of the rows to put aside; 0.25 unless train_size is given")
          .AddJson("train_size", &SplitParams::train_size, plugins::CountOrShareSpec(),
                   "share or number of the rows to learn from, instead of test_size")
          .Check([](const SplitParams& params, plugins::Problems& problems) {
            if (params.test_size.is_null() || params.train_size.is_null()) return;
            problems.Add("/train_size", "test_size and train_size are both given",
                         "keep one of them");
          }));
}

// As scikit-learn: a test share is rounded up, a train share down.
Result<std::uint64_t> TestRows(const SplitParams& params, std::uint64_t rows) {
  const bool by_train = !params.train_size.is_null();
  const Json size = by_train                     ? params.train_size
                    : params.test_size.is_null() ? Json(0.25)
                                                 : params.test_size;
  std::uint64_t count = 0;
  if (size.is_number_integer()) {
    count = size.get<std::uint64_t>();
  } else {
    const double wanted = static_cast<double>(rows) * size.get<double>();
    count = static_cast<std::uint64_t>(by_train ? std::floor(wanted) : std::ceil(wanted));
  }
  if (count == 0 || count >= rows) {
    return Error::Invalid(fmt::format("{}: {} of {} rows leaves one side empty",
                                      by_train ? "train_size" : "test_size", size.dump(), rows),
                          "choose a size that leaves rows on both sides");
  }
  return by_train ? rows - count : count;
}

Result<RowSides> Choose(const SplitParams& params, const table::Table& table,
                        std::uint64_t test_rows) {
  if (!params.time.empty()) {
    DML_TRY(const std::vector<double> times, ReadRowTimes(table, params.time.name));
    return HoldOutLatest(times, test_rows);
  }
  if (!params.stratify.empty()) {
    DML_TRY(const RowKeys keys, ReadRowKeys(table, params.stratify.name));
    DML_RETURN_IF_ERROR(keys.RequireRows(2));
    return HoldOutStratified(keys.numbers, test_rows, params.seed);
  }
  if (!params.group.empty()) {
    DML_TRY(const RowKeys keys, ReadRowKeys(table, params.group.name));
    return HoldOutGroups(keys.numbers, test_rows, params.seed);
  }
  return params.shuffle ? HoldOutRandom(table.rows(), test_rows, params.seed)
                        : HoldOutLast(table.rows(), test_rows);
}

Result<void> TrainTest(const SplitParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(const std::uint64_t test_rows, TestRows(params, table.rows()));
  DML_TRY(const RowSides sides, Choose(params, table, test_rows));
  WarnOfShare(params, sides, test_rows, context);
  return WriteTrainTest(table, sides, context);
}

}  // namespace

void SplitKeys::Check(plugins::Problems& problems) const {
  const int ways = (stratify.empty() ? 0 : 1) + (group.empty() ? 0 : 1) + (time.empty() ? 0 : 1);
  if (ways > 1) {
    problems.Add(time.empty() ? "/group" : "/time", "stratify, group and time exclude each other",
                 "keep one of them");
  } else if (!shuffle && !(stratify.empty() && group.empty())) {
    problems.Add("/shuffle", "stratify and group choose rows at random, but shuffle is false",
                 "leave out shuffle");
  }
}

void WarnOfShare(const SplitKeys& keys, const RowSides& sides, std::uint64_t asked,
                 plugins::StepContext& context) {
  const auto got = static_cast<std::uint64_t>(std::ranges::count(sides, Side::kTest));
  if (NearAskedShare(got, asked, sides.size())) return;
  const std::string& column = keys.group.empty() ? keys.time.name : keys.group.name;
  const auto percent = [&](std::uint64_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(sides.size());
  };
  context.warnings.push_back(
      fmt::format("The test side has {:.3g} % of the rows instead of {:.3g} %, because rows with "
                  "the same '{}' stay together.",
                  percent(got), percent(asked), column));
}

Result<void> WriteTrainTest(const table::Table& table, const RowSides& sides,
                            plugins::StepContext& context) {
  const auto on = [&sides](Side side) {
    return [&sides, side](std::uint64_t row) { return sides[row] == side ? 1U : 0U; };
  };
  DML_TRY(
      const std::vector<std::uint64_t> rows,
      WriteSelections(table, {{"train", on(Side::kTrain)}, {"test", on(Side::kTest)}}, context));
  context.metrics["train_rows"] = rows[0];
  context.metrics["test_rows"] = rows[1];
  return {};
}

std::vector<MetricSpec> SplitMetrics() {
  return {{"train_rows", "rows to learn from"}, {"test_rows", "rows to test on"}};
}

plugins::StepType SplitTrainTestStep() {
  StepSpec spec;
  spec.name = "split.train_test";
  spec.summary = "Put a share of the rows aside for testing";
  spec.formula =
      "test rows = ceil(test_size * rows), chosen by Philox(seed, row); with group, whole groups "
      "at random whose rows come as near to that number as groups can";
  spec.algorithm_version = 3;
  spec.inputs = {TablePort("data", "the rows to split")};
  spec.outputs = {TablePort("train", "the rows to learn from"),
                  TablePort("test", "the rows put aside")};
  spec.metrics = SplitMetrics();
  spec.columns = SameColumns;
  return MakeStepType(std::move(spec), SplitParamsSchema(), TrainTest);
}

void RegisterSplitSteps(plugins::StepRegistry& registry) {
  registry.Add(SplitTrainTestStep());
  registry.Add(SplitKfoldStep());
  registry.Add(SampleStep());
}

}  // namespace dml::steps
