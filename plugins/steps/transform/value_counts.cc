#include "plugins/steps/transform/value_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/row_pass.h"
#include "plugins/table/interner.h"

namespace dml::steps {

namespace {

// Texts in order of appearance with their counts; `numbers` holds their values if numeric.
struct Tally {
  table::Interner texts;
  std::vector<std::uint64_t> counts;
  std::vector<double> numbers;
  std::uint64_t missing = 0;

  void Add(std::string_view text, std::uint64_t count, double number) {
    const auto index = static_cast<std::size_t>(texts.Intern(text));
    if (index == counts.size()) {
      counts.push_back(0);
      numbers.push_back(number);
    }
    counts[index] += count;
  }
  void Merge(const Tally& right) {
    if (texts.size() > kDistinctMax) return;  // lost already: no need to remember more
    for (std::size_t i = 0; i < right.counts.size(); ++i) {
      Add(right.texts.at(i), right.counts[i], right.numbers[i]);
    }
    missing += right.missing;
  }
};

struct Tallies {
  std::vector<Tally> columns;

  void Merge(Tallies&& right) {
    if (columns.empty()) std::swap(columns, right.columns);
    for (std::size_t i = 0; i < right.columns.size(); ++i) columns[i].Merge(right.columns[i]);
  }
};

// Codes and texts alike: every distinct value is turned into text once.
void TallyCategory(const table::Column& column, Tally& out) {
  std::vector<std::uint32_t> counts(column.dictionary().size());
  std::vector<std::int32_t> seen;
  for (const std::int32_t code : column.codes()) {
    if (code < 0) continue;
    if (counts[static_cast<std::size_t>(code)]++ == 0) seen.push_back(code);
  }
  for (const std::int32_t code : seen) {
    const auto at = static_cast<std::size_t>(code);
    out.Add(column.dictionary()[at], counts[at], 0.0);
  }
}

void TallyNumbers(const table::Column& column, Tally& out) {
  const bool whole =
      column.type() == table::ColumnType::kInt64 || column.type() == table::ColumnType::kTimestamp;
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsValid(row)) order.push_back(row);
  }
  const auto run = [&](const auto& value_of) {
    std::ranges::sort(order, {}, value_of);
    for (std::size_t i = 0; i < order.size();) {
      std::size_t end = i + 1;
      while (end < order.size() && value_of(order[end]) == value_of(order[i])) ++end;
      const bool zero = column.type() != table::ColumnType::kTimestamp && value_of(order[i]) == 0;
      const std::string text = zero ? "0" : column.AsText(order[i]);
      out.Add(text, end - i, column.AsDouble(order[i]));
      i = end;
    }
  };
  if (whole) {
    run([values = column.int64()](std::size_t row) { return values[row]; });
  } else {
    const Numbers values(column);
    run([&](std::size_t row) { return values[row]; });
  }
}

void TallyColumn(const table::Column& column, Tally& out) {
  using table::ColumnType;
  out.missing += column.CountMissing();
  switch (column.type()) {
    case ColumnType::kCategory:
      return TallyCategory(column, out);
    case ColumnType::kString:
      for (std::size_t row = 0; row < column.size(); ++row) {
        if (column.IsValid(row)) out.Add(column.string(row), 1, 0.0);
      }
      return;
    case ColumnType::kBool:
      for (std::size_t row = 0; row < column.size(); ++row) {
        if (column.IsValid(row)) out.Add(column.bools()[row] != 0 ? "true" : "false", 1, 0.0);
      }
      return;
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return TallyNumbers(column, out);
    case ColumnType::kSparse:
      break;
  }
  DML_UNREACHABLE("a sparse column has no values to count");
}

ValueCounts Sorted(const Tally& tally) {
  std::vector<std::int32_t> order = tally.texts.SortedOrder();
  std::ranges::stable_sort(order, {}, [&](std::int32_t index) {
    return tally.numbers[static_cast<std::size_t>(index)];
  });
  ValueCounts out;
  for (const std::int32_t index : order) {
    out.values.emplace_back(tally.texts.at(static_cast<std::size_t>(index)));
    out.counts.push_back(tally.counts[static_cast<std::size_t>(index)]);
  }
  out.missing = tally.missing;
  return out;
}

Error TooManyValues(const std::string& column) {
  return Error::Invalid(
      fmt::format("the column '{}' has more than {} distinct values", column, kDistinctMax),
      "is it a number or an identifier? bin, hash or drop it");
}

}  // namespace

Result<std::vector<ValueCounts>> CountValues(const RowView& rows,
                                             const std::vector<std::string>& columns,
                                             const learn::Execution& execution) {
  for (const std::string& column : columns) {
    DML_TRY(const std::size_t index, rows.schema().Find(column));
    if (rows.schema().fields[index].type != table::ColumnType::kSparse) continue;
    return Error::Invalid(
        fmt::format("the column '{}' is sparse: it has been encoded already", column),
        "leave it out of `columns`");
  }
  DML_TRY(Tallies found,
          PassOverRows<Tallies>(rows, execution,
                                [&](const table::Batch& batch, Tallies& out) -> Result<void> {
                                  out.columns.resize(columns.size());
                                  for (std::size_t i = 0; i < columns.size(); ++i) {
                                    DML_TRY(const table::Column* column, batch.Find(columns[i]));
                                    TallyColumn(*column, out.columns[i]);
                                    if (out.columns[i].texts.size() > kDistinctMax) {
                                      return TooManyValues(columns[i]);
                                    }
                                  }
                                  return {};
                                }));
  found.columns.resize(columns.size());
  std::vector<ValueCounts> out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (found.columns[i].texts.size() > kDistinctMax) return TooManyValues(columns[i]);
    out.push_back(Sorted(found.columns[i]));
  }
  return out;
}

}  // namespace dml::steps
