#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/split/select_rows.h"
#include "plugins/steps/split/split_steps.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

struct SampleParams {
  std::optional<std::uint64_t> n;
  std::optional<double> fraction;
  bool replace = false;
  plugins::ColumnName stratify;
  std::uint64_t seed = 0;
};

plugins::ParamSchema<SampleParams> SampleParamsSchema() {
  return plugins::ParamSchema<SampleParams>()
      .Add("n", &SampleParams::n, "number of rows to draw")
      .AtLeast(1)
      .Add("fraction", &SampleParams::fraction, "share of the rows to draw, instead of n")
      .MoreThan(0)
      .Add("replace", &SampleParams::replace, "draw every row from all rows, so that rows repeat")
      .Add("stratify", &SampleParams::stratify, "column whose values keep their shares")
      .Add("seed", &SampleParams::seed, "seed of the draw")
      .Check([](const SampleParams& params, plugins::Problems& problems) {
        if (params.n && params.fraction) {
          problems.Add("/fraction", "n and fraction are both given", "give n or fraction");
        } else if (!params.n && !params.fraction) {
          problems.Add("", "the sample has no size", "give n or fraction");
        } else if (params.fraction && *params.fraction > 1.0 && !params.replace) {
          problems.Add("/fraction",
                       fmt::format("a fraction of {} of the rows cannot be drawn without "
                                   "replacement",
                                   *params.fraction),
                       "draw fewer, or set replace: true");
        }
      });
}

Result<std::uint64_t> Count(const SampleParams& params, std::uint64_t rows) {
  if (rows == 0) {
    return Error::Invalid("there are no rows to draw from", "look at what the step before kept");
  }
  const auto count =
      params.n
          ? *params.n
          : static_cast<std::uint64_t>(std::round(*params.fraction * static_cast<double>(rows)));
  if (count > rows && !params.replace) {
    return Error::Invalid(
        fmt::format("{} rows cannot be drawn from a table of {} without replacement", count, rows),
        "draw fewer, or set replace: true");
  }
  if (count > 0) return count;
  return Error::Invalid(
      fmt::format("a fraction of {} of {} rows is no row", *params.fraction, rows),
      "raise fraction, or give n");
}

Result<void> Sample(const SampleParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(const std::uint64_t count, Count(params, table.rows()));
  const Replacement replacement = params.replace ? Replacement::kYes : Replacement::kNo;
  RowCopies copies;
  if (params.stratify.empty()) {
    copies = DrawRows(table.rows(), count, replacement, params.seed);
  } else {
    DML_TRY(const RowKeys keys, ReadRowKeys(table, params.stratify.name));
    copies = DrawRowsStratified(keys.numbers, count, replacement, params.seed);
  }
  DML_TRY(const std::vector<std::uint64_t> rows,
          WriteSelections(table, {{"data", [&copies](std::uint64_t row) { return copies[row]; }}},
                          context));
  context.metrics["rows"] = rows[0];
  return {};
}

}  // namespace

plugins::StepType SampleStep() {
  StepSpec spec;
  spec.name = "sample";
  spec.summary = "Draw rows at random, keeping their order";
  spec.formula =
      "n rows, or round(fraction * rows), chosen by Philox(seed, row); with replace, draw i "
      "takes the row Philox(seed, i)";
  spec.inputs = {TablePort("data", "the rows to draw from")};
  spec.table_only = "it chooses rows by those beside them, and a model judges every row by itself";
  spec.outputs = {TablePort("data", "the rows drawn")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  spec.columns = SameColumns;
  return MakeStepType(std::move(spec), SampleParamsSchema(), Sample);
}

}  // namespace dml::steps
