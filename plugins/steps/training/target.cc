#include "plugins/steps/training/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/suggest.h"
#include "plugins/steps/transform/cast_column.h"
#include "plugins/table/csv/number.h"

namespace dml::steps {

namespace {

using table::Column;
using table::ColumnType;

constexpr double kUnknown = -1.0;
// Nobody wants more labels of a column than this, not even counted: it is a key.
constexpr std::size_t kLabelsMax = 1'000'000;

Error Missing(const std::string& column, std::uint64_t row) {
  return Error::Invalid(fmt::format("the target '{}' has no value in row {}", column, row + 1),
                        fmt::format("drop the rows without a target in a step before this one: "
                                    "uses: preprocess.drop_missing, with: {{columns: [{}]}}",
                                    column));
}

Error InfiniteTarget(const std::string& column, std::uint64_t row) {
  return Error::Invalid(fmt::format("the target '{}' is infinite in row {}", column, row + 1),
                        "drop the row, or clip the column");
}

Error UnknownLabel(const Target& target, const std::string& label, std::uint64_t row) {
  return Error::Invalid(fmt::format("row {} has the class '{}' in '{}', which the model does not "
                                    "know",
                                    row + 1, label, target.column),
                        DidYouMean(label, target.classes));
}

double ClassOf(const std::vector<std::string>& classes, std::string_view label) {
  const auto found = std::ranges::find(classes, label);
  return found == classes.end() ? kUnknown : static_cast<double>(found - classes.begin());
}

Result<void> AppendLabels(const Target& target, const Column& column, std::uint64_t first_row,
                          std::vector<double>& out) {
  std::vector<double> by_code;  // a dictionary is looked up once
  if (column.type() == ColumnType::kCategory) {
    for (const std::string& label : column.dictionary()) {
      by_code.push_back(ClassOf(target.classes, label));
    }
  }
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (!column.IsValid(row)) return Missing(target.column, first_row + row);
    const double number = by_code.empty() ? ClassOf(target.classes, column.AsText(row))
                                          : by_code[static_cast<std::size_t>(column.codes()[row])];
    if (number == kUnknown) return UnknownLabel(target, column.AsText(row), first_row + row);
    out.push_back(number);
  }
  return {};
}

// Rows to evaluate on may come from another file than those of training: text there, which spells
// numbers but for a cell.
Result<Column> AsNumbers(const Target& target, const Column& column, std::uint64_t first_row) {
  if (column.type() != ColumnType::kString && column.type() != ColumnType::kCategory) return column;
  Result<Column> numbers = CastColumn(column, ColumnType::kFloat64, first_row);
  if (numbers.ok()) return numbers;
  return std::move(numbers).error().Within(
      fmt::format("the target '{}' was a number in training and is {} here", target.column,
                  table::ColumnTypeName(column.type())));
}

Result<void> AppendNumbers(const Target& target, const Column& given, std::uint64_t first_row,
                           std::vector<double>& out) {
  DML_TRY(const Column column, AsNumbers(target, given, first_row));
  for (std::size_t row = 0; row < column.size(); ++row) {
    const double value = column.AsDouble(row);
    if (std::isnan(value)) return Missing(target.column, first_row + row);
    if (std::isinf(value)) return InfiniteTarget(target.column, first_row + row);
    out.push_back(value);
  }
  return {};
}

// All of them, or more than kLabelsMax.
Result<std::set<std::string>> CollectLabels(const RowView& rows) {
  const std::string& column = rows.schema().fields[0].name;
  std::set<std::string> labels;
  const auto collect = [&](const table::Batch& batch) -> Result<void> {
    if (labels.size() > kLabelsMax) return {};
    const Column& values = batch.columns[0];
    const bool coded = values.type() == ColumnType::kCategory;
    const bool real =
        values.type() == ColumnType::kFloat64 || values.type() == ColumnType::kFloat32;
    std::vector<bool> seen(coded ? values.dictionary().size() : 0);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (!values.IsValid(row)) return Missing(column, batch.first_row + row);
      if (real) {
        const double value = values.AsDouble(row);
        if (std::isnan(value)) return Missing(column, batch.first_row + row);
        if (std::isinf(value)) return InfiniteTarget(column, batch.first_row + row);
      }
      if (coded && seen[static_cast<std::size_t>(values.codes()[row])]) continue;
      if (coded) seen[static_cast<std::size_t>(values.codes()[row])] = true;
      labels.insert(values.AsText(row));
      if (labels.size() > kLabelsMax) return {};
    }
    return {};
  };
  DML_RETURN_IF_ERROR(rows.ForEachBatch(collect));
  return labels;
}

// A label that Column::AsText wrote for a number.
double NumberOf(const std::string& label) { return table::ParseDouble(label).value(); }

bool IsNumericTarget(ColumnType type) {
  return !IsLabelType(type) && type != ColumnType::kTimestamp;
}

// Numbers may name classes, measurements do not; scikit-learn draws the line there too.
Result<void> CheckDiscrete(const std::string& column, const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    const double value = NumberOf(label);
    if (value == std::floor(value)) continue;
    return Error::Invalid(
        fmt::format("the target '{}' is continuous: it has values such as {}", column, label),
        "use a regression, or make classes of it with preprocess.bin");
  }
  return {};
}

// Estimators hold numbers for every class, and spend time on each for every row.
Result<void> CheckFew(const std::string& column, std::size_t classes) {
  if (classes <= kClassesMax) return {};
  return Error::Invalid(
      fmt::format("the target '{}' has {}{} classes, and classifiers take at most {}", column,
                  classes > kLabelsMax ? "more than " : "", std::min(classes, kLabelsMax),
                  kClassesMax),
      "if it is a key, name another target; if it is a measurement, use a regression; else put "
      "rare "
      "classes together in a step before this one");
}

Result<Target> LearnClasses(const RowView& values, const std::string& column, ColumnType type) {
  DML_TRY(std::vector<std::string> labels, ClassesIn(values));
  if (IsNumericTarget(type)) DML_RETURN_IF_ERROR(CheckDiscrete(column, labels));
  DML_RETURN_IF_ERROR(CheckFew(column, labels.size()));
  if (labels.size() < 2) {
    return Error::Invalid(
        fmt::format("the target '{}' has {} class{}, and at least 2 are needed", column,
                    labels.size(),
                    labels.empty() ? "es" : fmt::format(" (every row is '{}')", labels.front())),
        "check the column, and the filters and splits before this step");
  }
  return Target{column, std::move(labels)};
}

Result<Target> LearnNumbers(const RowView& rows, const std::string& column, ColumnType type) {
  if (type == ColumnType::kString || type == ColumnType::kCategory) {
    return Error::Invalid(fmt::format("the target '{}' is text, not a number", column),
                          "use a classifier, or cast the column");
  }
  if (type == ColumnType::kTimestamp) {
    return Error::Invalid(
        fmt::format("the target '{}' is a timestamp, not a number", column),
        "make a number of it in a step before this one: derive, or preprocess.date_parts");
  }
  Target target{column, {}};
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  std::vector<double> values;
  const auto widen = [&](const table::Batch& batch) -> Result<void> {
    values.clear();
    DML_RETURN_IF_ERROR(AppendNumbers(target, batch.columns[0], batch.first_row, values));
    for (const double value : values) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
    return {};
  };
  DML_RETURN_IF_ERROR(rows.ForEachBatch(widen));
  if (low == high && rows.rows() > 1) {
    return Error::Invalid(fmt::format("the target '{}' is constant: every row is {}", column, low),
                          "check the column, and the filters and splits before this step");
  }
  return target;
}

}  // namespace

bool IsLabelType(ColumnType type) {
  return type == ColumnType::kString || type == ColumnType::kCategory || type == ColumnType::kBool;
}

Result<RowView> TargetValues(const table::Table& table, const std::string& column,
                             const RowView& features) {
  DML_TRY(const RowView all, RowView::Of(table, {column}));
  return all.SelectAs(features);
}

Result<Target> LearnTarget(const RowView& values, learn::ModelTask task) {
  const table::Field& field = values.schema().fields[0];
  if (task == learn::ModelTask::kClassification) {
    return LearnClasses(values, field.name, field.type);
  }
  return LearnNumbers(values, field.name, field.type);
}

Result<std::vector<std::string>> ClassesIn(const RowView& values) {
  DML_TRY(const std::set<std::string> labels, CollectLabels(values));
  std::vector<std::string> classes(labels.begin(), labels.end());
  if (IsNumericTarget(values.schema().fields[0].type)) {
    std::ranges::stable_sort(classes, {}, NumberOf);
  }
  return classes;
}

Result<std::vector<std::uint64_t>> CountClasses(const RowView& values, const Target& target) {
  std::vector<std::uint64_t> counts(target.classes.size());
  DML_TRY(const std::vector<double> labels, ReadTarget(values, target));
  for (const double label : labels) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

Result<void> AppendTarget(const Target& target, const Column& column, std::uint64_t first_row,
                          std::vector<double>& out) {
  return target.classes.empty() ? AppendNumbers(target, column, first_row, out)
                                : AppendLabels(target, column, first_row, out);
}

Result<std::vector<double>> ReadTarget(const RowView& values, const Target& target) {
  std::vector<double> numbers;
  numbers.reserve(static_cast<std::size_t>(values.rows()));
  const auto append = [&](const table::Batch& batch) {
    return AppendTarget(target, batch.columns[0], batch.first_row, numbers);
  };
  DML_RETURN_IF_ERROR(values.ForEachBatch(append));
  return numbers;
}

}  // namespace dml::steps
