#include "plugins/steps/evaluation/read_as.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "plugins/steps/column_kinds.h"
#include "plugins/steps/transform/cast_column.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/csv/cell_scan.h"
#include "plugins/table/csv/number.h"

namespace dml::steps {

namespace {

using table::ColumnType;

// A number that was read is no longer the text that was written, 1.50 or 1.5, unless it is whole;
// and the number of a time is not what the model knows: 20200201 is no date.
bool IsExact(ColumnType found, ColumnType wanted) {
  if (IsText(found)) return true;
  if (IsText(wanted)) return found == ColumnType::kInt64;
  return IsNumber(found) && wanted == ColumnType::kBool;
}

// The first row with a value. A column without any was read as some type for want of a better one.
std::optional<std::size_t> FirstValue(const table::Column& column) {
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsValid(row)) return row;
  }
  return std::nullopt;
}

Error OtherType(const table::Field& field, const table::Column& column, std::uint64_t row,
                const std::string& value) {
  const std::string remedy =
      IsText(field.type)
          ? fmt::format("load it with as_text: [{}], so that its values stay as they are written",
                        field.name)
          : fmt::format(
                "write its values as they were written for training, or declare its type "
                "where it is loaded: types: {{{}: {}}}",
                field.name, table::ColumnTypeName(field.type));
  return Error::Invalid(
      fmt::format("the column '{}' was {} in training and is {} here: row {} is '{}'", field.name,
                  table::ColumnTypeName(field.type), table::ColumnTypeName(column.type()), row + 1,
                  value),
      remedy);
}

// Text that spells a number becomes that number's text, as the values of a column of numbers are
// written; other text stays what it is.
table::Column NumbersAsText(const table::Column& column) {
  table::ColumnBuilder out(table::Field{{}, ColumnType::kString, 1});
  out.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (!column.IsValid(row)) {
      out.AppendMissing();
      continue;
    }
    const std::string_view text = table::StripSpaces(column.string(row));
    const auto whole = table::ParseInt64(text);
    const auto number = whole ? std::nullopt : table::ParseDouble(text);
    if (whole) {
      out.AppendText(std::to_string(*whole));
    } else {
      out.AppendText(number ? table::MakeFloat64({*number}).AsText(0) : std::string(text));
    }
  }
  return out.Finish();
}

class TypesOfTraining final : public FittedTransform {
 public:
  TypesOfTraining(table::Schema wanted, std::set<std::string> as_text)
      : wanted_(std::move(wanted)), as_text_(std::move(as_text)) {}

  [[nodiscard]] Result<table::Batch> Apply(table::Batch batch) const override {
    for (std::size_t c = 0; c < wanted_.fields.size(); ++c) {
      const table::Field& field = wanted_.fields[c];
      const table::Column& column = batch.columns[c];
      if (IsAlike(column.type(), field.type)) continue;
      if (as_text_.contains(field.name)) {
        DML_TRY(const table::Column text, CastColumn(column, ColumnType::kString, batch.first_row));
        batch.Set({field.name, ColumnType::kString, 1}, NumbersAsText(text));
        continue;
      }
      const auto first = FirstValue(column);
      if (first && !IsExact(column.type(), field.type)) {
        return OtherType(field, column, batch.first_row + *first, column.AsText(*first));
      }
      Result<table::Column> cast = CastColumn(column, field.type, batch.first_row);
      if (!cast.ok()) {
        return std::move(cast).error().Within(fmt::format(
            "the column '{}' was {} in training", field.name, table::ColumnTypeName(field.type)));
      }
      batch.Set(field, std::move(cast).value());
    }
    return batch;
  }

  [[nodiscard]] Json Save() const override { return wanted_.ToJson(); }

 private:
  const table::Schema wanted_;
  const std::set<std::string> as_text_;
};

}  // namespace

bool IsAlike(ColumnType found, ColumnType wanted) {
  return found == wanted || (IsText(found) && IsText(wanted)) ||
         (IsNumber(found) && IsNumber(wanted));
}

FittedTransformPtr ReadAs(table::Schema wanted, std::set<std::string> as_text) {
  return MakeFitted<TypesOfTraining>(std::move(wanted), std::move(as_text));
}

}  // namespace dml::steps
