#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "plugins/steps/holdout.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/table.h"

namespace dml::steps {

namespace {

struct SplitParams {
  double test_size = 0.25;
  plugins::ColumnName stratify;
  plugins::ColumnName group;
  plugins::ColumnName time;
  bool shuffle = true;
  std::uint64_t seed = 0;
};

plugins::ParamSchema<SplitParams> Schema() {
  return plugins::ParamSchema<SplitParams>()
      .Add("test_size", &SplitParams::test_size, "share of the rows to put aside")
      .MoreThan(0)
      .LessThan(1)
      .Add("stratify", &SplitParams::stratify, "column whose classes keep their shares")
      .Add("group", &SplitParams::group, "column whose equal values stay together")
      .Add("time", &SplitParams::time, "column by which the latest rows are put aside")
      .Add("shuffle", &SplitParams::shuffle, "choose at random; otherwise the last rows")
      .Add("seed", &SplitParams::seed, "seed of the choice");
}

// The distinct values of a column, numbered in order of appearance; a missing value is a value.
Result<std::vector<std::uint32_t>> NumberValues(const table::Table& table,
                                                const std::string& name) {
  DML_RETURN_IF_ERROR(table.schema().Find(name));
  std::map<std::string, std::uint32_t> numbers;
  std::vector<std::uint32_t> rows;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {name}));
    const table::Column& column = batch.columns.front();
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const std::string key = column.IsValid(row) ? "=" + column.AsText(row) : "";
      const auto next = static_cast<std::uint32_t>(numbers.size());
      rows.push_back(numbers.emplace(key, next).first->second);
    }
  }
  return rows;
}

Result<std::vector<double>> ReadTimes(const table::Table& table, const std::string& name) {
  DML_TRY(const std::size_t index, table.schema().Find(name));
  const table::ColumnType type = table.schema().fields[index].type;
  if (type == table::ColumnType::kString || type == table::ColumnType::kCategory) {
    return Error::Invalid(fmt::format("the column '{}' is text, not a time", name),
                          "load it as a timestamp: types: {" + name + ": timestamp}");
  }
  std::vector<double> times;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {name}));
    for (std::size_t row = 0; row < batch.rows; ++row) {
      times.push_back(batch.columns.front().AsDouble(row));
      if (!std::isnan(times.back())) continue;
      return Error::Invalid(
          fmt::format("row {} of the column '{}' has no value", batch.first_row + row + 1, name),
          "drop or impute missing times before the split");
    }
  }
  return times;
}

Result<RowFlags> Choose(const SplitParams& params, const table::Table& table) {
  const int ways = (params.stratify.empty() ? 0 : 1) + (params.group.empty() ? 0 : 1) +
                   (params.time.empty() ? 0 : 1);
  if (ways > 1) {
    return Error::Invalid("stratify, group and time exclude each other", "keep one of them");
  }
  if (!params.time.empty()) {
    DML_TRY(const std::vector<double> times, ReadTimes(table, params.time.name));
    return HoldOutLatest(times, params.test_size);
  }
  if (!params.stratify.empty()) {
    DML_TRY(const auto classes, NumberValues(table, params.stratify.name));
    return HoldOutStratified(classes, params.test_size, params.seed);
  }
  if (!params.group.empty()) {
    DML_TRY(const auto groups, NumberValues(table, params.group.name));
    return HoldOutGroups(groups, params.test_size, params.seed);
  }
  if (params.shuffle) return HoldOutRandom(table.rows(), params.test_size, params.seed);
  std::vector<double> positions(table.rows());
  for (std::size_t row = 0; row < positions.size(); ++row) {
    positions[row] = static_cast<double>(row);
  }
  return HoldOutLatest(positions, params.test_size);
}

// Writes the rows of one side, partition by partition.
Result<std::uint64_t> WriteSide(const table::Table& table, const RowFlags& flags, bool side,
                                const std::string& directory) {
  table::TableWriter writer(directory, table.schema());
  std::uint64_t written = 0;
  std::uint64_t first_row = 0;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p));
    std::vector<std::uint32_t> rows;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (flags[first_row + row] == side) rows.push_back(static_cast<std::uint32_t>(row));
    }
    first_row += batch.rows;
    written += rows.size();
    DML_RETURN_IF_ERROR(writer.Write(p, batch.Take(rows)));
  }
  DML_RETURN_IF_ERROR(writer.Finish());
  return written;
}

Result<void> TrainTest(const SplitParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  if (table.rows() < 2) {
    return Error::Invalid(fmt::format("a table of {} rows cannot be split", table.rows()));
  }
  DML_TRY(const RowFlags flags, Choose(params, table));
  DML_TRY(const std::string train, context.OutputDirectory("train"));
  DML_TRY(const std::string test, context.OutputDirectory("test"));
  DML_TRY(context.metrics["train_rows"], WriteSide(table, flags, false, train));
  DML_TRY(context.metrics["test_rows"], WriteSide(table, flags, true, test));
  return {};
}

}  // namespace

void RegisterSplitSteps(plugins::StepRegistry& registry) {
  StepSpec spec;
  spec.name = "split.train_test";
  spec.summary = "Put a share of the rows aside for testing";
  spec.formula = "test rows = ceil(test_size * rows), chosen by Philox(seed, row)";
  spec.inputs = {TablePort("data", "the rows to split")};
  spec.outputs = {TablePort("train", "the rows to learn from"),
                  TablePort("test", "the rows put aside")};
  registry.Add(MakeStepType(std::move(spec), Schema(), TrainTest));
}

}  // namespace dml::steps
