#include "plugins/steps/transform/cast_column.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "plugins/steps/column_kinds.h"
#include "plugins/table/civil_time.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/csv/cell_type.h"
#include "plugins/table/csv/number.h"

namespace dml::steps {

namespace {

using table::Column;
using table::ColumnType;

constexpr double kInt64Limit = 9223372036854775808.0;  // 2^63
constexpr auto kMicros = static_cast<double>(table::kMicrosPerSecond);

std::optional<std::int64_t> Whole(std::optional<double> value) {
  if (!value || std::trunc(*value) != *value || std::abs(*value) >= kInt64Limit) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*value);
}

std::optional<double> ToFloat(const Column& column, std::size_t row) {
  if (!IsText(column.type())) return column.AsDouble(row);
  const std::string_view text = table::StripSpaces(column.string(row));
  const auto value = table::ParseDouble(text);
  return value && table::Overflows(text, *value) ? std::nullopt : value;
}

std::optional<std::int64_t> ToInteger(const Column& column, std::size_t row) {
  if (column.type() == ColumnType::kTimestamp) {
    const std::int64_t micros = column.int64()[row];
    if (micros % table::kMicrosPerSecond != 0) return std::nullopt;
    return micros / table::kMicrosPerSecond;
  }
  if (!IsText(column.type())) return Whole(column.AsDouble(row));
  const std::string_view text = table::StripSpaces(column.string(row));
  if (const auto value = table::ParseInt64(text)) return value;
  return Whole(table::ParseDouble(text));
}

std::optional<bool> ToBool(const Column& column, std::size_t row) {
  if (IsText(column.type())) {
    const auto value = table::ParseBool(table::StripSpaces(column.string(row)));
    if (value) return value;
  }
  const auto number = ToFloat(column, row);
  if (number != 0.0 && number != 1.0) return std::nullopt;
  return *number == 1.0;
}

std::optional<std::int64_t> ToMicros(const Column& column, std::size_t row) {
  if (IsText(column.type())) {
    return table::ParseIsoTimestamp(table::StripSpaces(column.string(row)));
  }
  return Whole(std::round(column.AsDouble(row) * kMicros));
}

// Appends the value of one row as the builder's type; false if it has no counterpart.
bool Append(const Column& column, std::size_t row, ColumnType type, table::ColumnBuilder& out) {
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32: {
      const auto value = ToFloat(column, row);
      if (value) out.AppendDouble(*value);
      return value.has_value();
    }
    case ColumnType::kInt64: {
      const auto value = ToInteger(column, row);
      if (value) out.AppendInt64(*value);
      return value.has_value();
    }
    case ColumnType::kBool: {
      const auto value = ToBool(column, row);
      if (value) out.AppendBool(*value);
      return value.has_value();
    }
    case ColumnType::kTimestamp: {
      const auto value = ToMicros(column, row);
      if (value) out.AppendInt64(*value);
      return value.has_value();
    }
    case ColumnType::kString:
    case ColumnType::kCategory:
      out.AppendText(IsText(column.type()) ? column.string(row)
                                           : std::string_view(column.AsText(row)));
      return true;
    case ColumnType::kSparse:
      break;
  }
  return false;
}

bool IsMissing(const Column& column, std::size_t row) {
  if (!column.IsValid(row)) return true;
  return (column.type() == ColumnType::kFloat64 && std::isnan(column.float64()[row])) ||
         (column.type() == ColumnType::kFloat32 && std::isnan(column.float32()[row]));
}

}  // namespace

Result<Column> CastColumn(const Column& column, ColumnType type, std::uint64_t first_row) {
  if (column.type() == type) return column;
  if (column.type() == ColumnType::kSparse || type == ColumnType::kSparse) {
    return Error::Invalid(fmt::format("a {} column cannot become {}",
                                      table::ColumnTypeName(column.type()),
                                      table::ColumnTypeName(type)));
  }
  table::ColumnBuilder out(table::Field{{}, type, 1});
  out.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (IsMissing(column, row)) {
      out.AppendMissing();
    } else if (!Append(column, row, type, out)) {
      return Error::Invalid(fmt::format("row {} is '{}', which is no {}", first_row + row + 1,
                                        column.AsText(row), table::ColumnTypeName(type)),
                            type == table::ColumnType::kTimestamp
                                ? "correct the value (a second has six decimals at most), or "
                                  "choose another type"
                                : "correct the value, or choose another type");
    }
  }
  return out.Finish();
}

}  // namespace dml::steps
