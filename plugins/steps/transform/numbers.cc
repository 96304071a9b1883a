#include "plugins/steps/transform/numbers.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "plugins/table/column_builder.h"

namespace dml::steps {

namespace {

Error NotNumeric(const table::Field& field) {
  using table::ColumnType;
  std::string hint = "leave it out of `columns`";
  if (field.type == ColumnType::kCategory) {
    hint = fmt::format("one_hot: {{columns: [{}]}} makes numbers of it", field.name);
  } else if (field.type == ColumnType::kString) {
    hint = "one_hot (a few values) or tfidf (free text) makes numbers of it";
  } else if (field.type == ColumnType::kTimestamp) {
    hint = fmt::format("date_parts: {{columns: [{}]}} makes numbers of it", field.name);
  }
  return Error::Invalid(fmt::format("the column '{}' is {}, not a number", field.name,
                                    table::ColumnTypeName(field.type)),
                        std::move(hint));
}

template <typename T>
std::vector<double> Widen(std::span<const T> values) {
  return {values.begin(), values.end()};
}

std::vector<double> Convert(const table::Column& column) {
  if (column.type() == table::ColumnType::kFloat32) return Widen(column.float32());
  std::vector<double> values =
      column.type() == table::ColumnType::kInt64 ? Widen(column.int64()) : Widen(column.bools());
  if (!column.has_missing()) return values;
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!column.IsValid(row)) values[row] = std::numeric_limits<double>::quiet_NaN();
  }
  return values;
}

}  // namespace

bool IsNumeric(table::ColumnType type) {
  using table::ColumnType;
  return type == ColumnType::kFloat64 || type == ColumnType::kFloat32 ||
         type == ColumnType::kInt64 || type == ColumnType::kBool;
}

Numbers::Numbers(const table::Column& column) {
  if (column.type() == table::ColumnType::kFloat64) {
    values_ = column.float64();
    return;
  }
  owned_ = Convert(column);
  values_ = owned_;
}

Result<Numbers> ReadNumbers(const table::Batch& batch, std::string_view column, Infinite infinite) {
  DML_TRY(const std::size_t index, batch.schema.Find(column));
  if (!IsNumeric(batch.schema.fields[index].type)) return NotNumeric(batch.schema.fields[index]);
  Numbers numbers(batch.columns[index]);
  if (infinite == Infinite::kAllowed) return numbers;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if (!std::isinf(numbers[row])) continue;
    return Error::Invalid(
        fmt::format("row {} of the column '{}' is infinite", batch.first_row + row + 1, column),
        "clip the column first, or correct the data");
  }
  return numbers;
}

Result<void> RequireNumeric(const table::Schema& schema, const std::vector<std::string>& columns) {
  for (const std::string& column : columns) {
    DML_TRY(const std::size_t index, schema.Find(column));
    if (!IsNumeric(schema.fields[index].type)) return NotNumeric(schema.fields[index]);
  }
  return {};
}

void SetNumbers(table::Batch& batch, const std::string& column, std::vector<double> values) {
  table::Field field;
  field.name = column;
  batch.Set(std::move(field), table::MakeFloat64(std::move(values)));
}

}  // namespace dml::steps
