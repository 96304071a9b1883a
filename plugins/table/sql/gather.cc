#include "plugins/table/sql/gather.h"

#include <memory>
#include <vector>

#include "plugins/table/column_builder.h"
#include "plugins/table/validity.h"

namespace dml::sql {

namespace {

using table::Column;
using table::ColumnBuilder;
using table::ColumnType;

// The columns of keys may differ in type: float64 takes every number, text every text.
void AppendCell(ColumnBuilder& to, ColumnType type, const Column& from, std::size_t row) {
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      return to.AppendDouble(from.AsDouble(row));
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return to.AppendInt64(from.int64()[row]);
    case ColumnType::kBool:
      return to.AppendBool(from.bools()[row] != 0);
    case ColumnType::kCategory:
    case ColumnType::kString:
      return to.AppendText(from.string(row));
    case ColumnType::kSparse: {
      const auto begin = static_cast<std::size_t>(from.offsets()[row]);
      const auto count = static_cast<std::size_t>(from.offsets()[row + 1]) - begin;
      return to.AppendSparse(from.sparse_indices().subspan(begin, count),
                             from.sparse_values().subspan(begin, count));
    }
  }
}

// Codes instead of texts; the dictionary is the table's, borrowed.
Column GatherCodes(const ResidentColumns& columns, std::size_t index,
                   std::span<const std::uint32_t> rows) {
  struct Kept {
    std::vector<std::int32_t> codes;
    std::vector<std::uint8_t> validity;
  };
  auto kept = std::make_shared<Kept>();
  kept->codes.reserve(rows.size());
  bool missing = false;
  for (const std::uint32_t row : rows) {
    std::int32_t code = -1;
    if (row < columns.rows()) {
      const ResidentColumns::Place place = columns.Find(row);
      code = columns.column(place.partition, index).codes()[place.row];
    }
    kept->codes.push_back(code);
    missing = missing || code < 0;
  }
  if (missing) {
    kept->validity = table::FullBitmap(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (kept->codes[i] < 0) table::ClearBit(kept->validity, i);
    }
  }
  const table::Dictionary& dictionary = columns.column(0, index).dictionary();
  return Column::Category(
      kept->codes, std::shared_ptr<const table::Dictionary>(std::shared_ptr<void>(), &dictionary),
      kept->validity, kept);
}

}  // namespace

Column Gather(const ResidentColumns& columns, std::size_t index, const table::Field& field,
              std::span<const std::uint32_t> rows) {
  const bool coded = field.type == ColumnType::kCategory && columns.partition_count() > 0 &&
                     columns.batch(0).columns.size() > index &&
                     columns.column(0, index).type() == ColumnType::kCategory;
  if (coded) return GatherCodes(columns, index, rows);
  ColumnBuilder builder(field);
  builder.Reserve(rows.size());
  for (const std::uint32_t row : rows) {
    if (row >= columns.rows()) {
      builder.AppendMissing();
      continue;
    }
    const ResidentColumns::Place place = columns.Find(row);
    const Column& from = columns.column(place.partition, index);
    if (from.IsValid(place.row)) {
      AppendCell(builder, field.type, from, place.row);
    } else {
      builder.AppendMissing();
    }
  }
  return builder.Finish();
}

}  // namespace dml::sql
