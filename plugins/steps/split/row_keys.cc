#include "plugins/steps/split/row_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "plugins/table/interner.h"

namespace dml::steps {

namespace {

// Numbers values in order of first appearance, whatever partition they are in.
class KeyNumbers {
 public:
  explicit KeyNumbers(RowKeys& keys) : keys_(keys) {}

  std::uint32_t Missing() {
    if (!missing_) missing_ = Add("(missing)");
    return *missing_;
  }
  std::uint32_t Of(std::string_view text) {
    const auto index = static_cast<std::size_t>(interner_.Intern(text));
    if (index == number_of_.size()) number_of_.push_back(Add(std::string(text)));
    return number_of_[index];
  }

 private:
  std::uint32_t Add(std::string value) {
    keys_.values.push_back(std::move(value));
    return static_cast<std::uint32_t>(keys_.values.size() - 1);
  }

  RowKeys& keys_;
  table::Interner interner_;
  std::vector<std::uint32_t> number_of_;  // by index of the interner
  std::optional<std::uint32_t> missing_;
};

}  // namespace

std::vector<std::uint64_t> CountEach(std::span<const std::uint32_t> numbers) {
  std::vector<std::uint64_t> counts;
  for (const std::uint32_t number : numbers) {
    if (number >= counts.size()) counts.resize(std::size_t{number} + 1);
    ++counts[number];
  }
  return counts;
}

std::uint64_t RowKeys::Rarest() const { return std::ranges::min(CountEach(numbers)); }

Result<void> RowKeys::RequireRows(std::uint64_t rows) const {
  const std::vector<std::uint64_t> counts = CountEach(numbers);
  const auto rare = std::ranges::find_if(counts, [&](std::uint64_t n) { return n < rows; });
  if (rare == counts.end()) return {};
  return Error::Invalid(
      fmt::format("the value '{}' of the column '{}' has {} row{}, and {} are needed",
                  values[static_cast<std::size_t>(rare - counts.begin())], column, *rare,
                  *rare == 1 ? "" : "s", rows),
      "drop such rows, merge rare classes, or leave out stratify");
}

Result<RowKeys> ReadRowKeys(const table::Table& table, const std::string& column) {
  DML_RETURN_IF_ERROR(table.schema().Find(column));
  RowKeys keys;
  keys.column = column;
  keys.numbers.reserve(table.rows());
  KeyNumbers numbers(keys);
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {column}));
    const table::Column& values = batch.columns.front();
    const bool is_text = values.type() == table::ColumnType::kString ||
                         values.type() == table::ColumnType::kCategory;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      keys.numbers.push_back(!values.IsValid(row) ? numbers.Missing()
                             : is_text            ? numbers.Of(values.string(row))
                                                  : numbers.Of(values.AsText(row)));
    }
  }
  return keys;
}

Result<std::vector<double>> ReadRowTimes(const table::Table& table, const std::string& column) {
  DML_TRY(const std::size_t index, table.schema().Find(column));
  const table::ColumnType type = table.schema().fields[index].type;
  if (type == table::ColumnType::kString || type == table::ColumnType::kCategory ||
      type == table::ColumnType::kSparse) {
    return Error::Invalid(fmt::format("the column '{}' is {}, not a time", column,
                                      type == table::ColumnType::kSparse ? "sparse" : "text"),
                          "load it as a timestamp: types: {" + column + ": timestamp}");
  }
  std::vector<double> times;
  times.reserve(table.rows());
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {column}));
    for (std::size_t row = 0; row < batch.rows; ++row) {
      times.push_back(batch.columns.front().AsDouble(row));
      if (!std::isnan(times.back())) continue;
      return Error::Invalid(
          fmt::format("row {} of the column '{}' has no value", batch.first_row + row + 1, column),
          "drop or impute missing times before the split");
    }
  }
  return times;
}

}  // namespace dml::steps
