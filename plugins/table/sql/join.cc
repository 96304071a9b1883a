#include "plugins/table/sql/join.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "plugins/table/parallel_partitions.h"
#include "plugins/table/sql/gather.h"
#include "plugins/table/sql/key_cells.h"
#include "plugins/table/sql/row_index.h"

namespace dml::sql {

namespace {

using table::Batch;
using table::ColumnType;
using table::Field;
using table::Schema;

constexpr std::size_t kPartRowsMax = std::size_t{1} << 20;
constexpr std::uint32_t kNoRow = RowIndex::kNone;

// Which columns the result has, and where they come from.
struct Layout {
  Schema schema;
  std::vector<std::string> left_keys;
  std::vector<std::string> right_keys;
  std::vector<std::string> right_columns;  // without the keys
  std::vector<std::size_t> key_of_left;    // by column of the left: its key, or the number of keys
  std::size_t left_count = 0;
};

bool TakesRight(JoinKind kind) { return kind == JoinKind::kRight || kind == JoinKind::kFull; }

// Whether a column of type `a` holds every value of type `b`.
bool Holds(ColumnType a, ColumnType b) {
  const auto text = [](ColumnType type) {
    return type == ColumnType::kCategory || type == ColumnType::kString;
  };
  return a == b || a == ColumnType::kFloat64 || (text(a) && text(b));
}

Result<Layout> LayOut(const Schema& left, const Schema& right, const JoinOptions& options) {
  Layout layout;
  layout.schema = left;
  layout.left_count = left.fields.size();
  layout.key_of_left.assign(left.fields.size(), options.on.size());
  for (const auto& [left_key, right_key] : options.on) {
    auto at_left = left.Find(left_key);
    if (!at_left.ok()) return std::move(at_left).error().Within("the left table");
    auto at_right = right.Find(right_key);
    if (!at_right.ok()) return std::move(at_right).error().Within("the right table");
    const ColumnType a = left.fields[*at_left].type;
    const ColumnType b = right.fields[*at_right].type;
    if (!AreComparable(a, b)) {
      return Error::Invalid(
          fmt::format("the key '{}' is {} on the left, '{}' is {} on the right: no row can match",
                      left_key, table::ColumnTypeName(a), right_key, table::ColumnTypeName(b)),
          "convert one of them, such as derive: {columns: {KEY: \"CAST(KEY AS TEXT)\"}}");
    }
    if (TakesRight(options.kind) && !Holds(a, b)) {
      return Error::Invalid(
          fmt::format("the key '{}' is {} on the left and {} on the right: a {} join has to keep "
                      "values of the right in the column of the left",
                      left_key, table::ColumnTypeName(a), table::ColumnTypeName(b),
                      options.kind == JoinKind::kFull ? "full" : "right"),
          "make them the same type, or swap the tables");
    }
    layout.key_of_left[*at_left] = layout.left_keys.size();
    layout.left_keys.push_back(left_key);
    layout.right_keys.push_back(right_key);
  }
  for (const Field& field : right.fields) {
    if (std::ranges::find(layout.right_keys, field.name) != layout.right_keys.end()) continue;
    Field named = field;
    if (layout.schema.IndexOf(named.name) >= 0) named.name += options.suffix;
    if (layout.schema.IndexOf(named.name) >= 0) {
      return Error::Invalid(
          fmt::format("both tables have a column '{}', and with the suffix it is '{}', which is "
                      "there too",
                      field.name, named.name),
          "choose another suffix, or rename the column");
    }
    layout.right_columns.push_back(field.name);
    layout.schema.fields.push_back(std::move(named));
  }
  return layout;
}

// One output partition: rows of a partition of the left, and the row of the right of each.
struct Pairs {
  std::vector<std::uint32_t> left;
  std::vector<std::uint32_t> right;  // kNoRow: none
};

class Joiner {
 public:
  Joiner(const table::Table& left, const table::Table& right, const JoinOptions& options,
         const table::LoadExecution& execution, Layout layout)
      : left_(left),
        right_(right),
        options_(options),
        execution_(execution),
        layout_(std::move(layout)) {}

  Result<QueryResult> Run(const std::string& directory);

 private:
  [[nodiscard]] bool keeps_left() const {
    return options_.kind == JoinKind::kLeft || options_.kind == JoinKind::kFull;
  }
  [[nodiscard]] bool keeps_right() const { return TakesRight(options_.kind); }
  // Calls `use` with the matches of partition `p`, a partition of output at a time.
  template <typename Use>
  Result<void> ForEachPart(std::size_t p, const Use& use) const;
  Result<void> WritePart(std::size_t number, const Batch& left, const Pairs& pairs);
  Result<void> WriteUnmatched(std::size_t number, std::span<const std::uint32_t> rows);
  [[nodiscard]] std::vector<std::uint32_t> Unmatched() const;

  const table::Table& left_;
  const table::Table& right_;
  const JoinOptions& options_;
  const table::LoadExecution& execution_;
  const Layout layout_;
  std::optional<ResidentColumns> keys_;
  std::optional<ResidentColumns> values_;
  std::optional<RowIndex> index_;
  std::vector<std::atomic<std::uint8_t>> matched_;  // by row of the right
  std::optional<table::TableWriter> writer_;
};

template <typename Use>
Result<void> Joiner::ForEachPart(std::size_t p, const Use& use) const {
  DML_TRY(const Batch keys, left_.Read(p, layout_.left_keys));
  const KeyHashes hashes = HashKeys(keys);
  const auto same = [&](std::uint32_t row, std::uint32_t right_row) {
    const ResidentColumns::Place place = keys_->Find(right_row);
    for (std::size_t k = 0; k < keys.columns.size(); ++k) {
      if (!SameCell(keys.columns[k], row, keys_->column(place.partition, k), place.row)) {
        return false;
      }
    }
    return true;
  };
  Pairs pairs;
  for (std::uint32_t row = 0; row < keys.rows; ++row) {
    if (pairs.left.size() >= kPartRowsMax) {
      if (execution_.stop.stop_requested()) return Error::Cancelled("stopped");
      DML_RETURN_IF_ERROR(use(pairs));
      pairs.left.clear();
      pairs.right.clear();
    }
    const std::size_t before = pairs.left.size();
    std::uint32_t found = hashes.incomplete[row] != 0 ? kNoRow : index_->First(hashes.hashes[row]);
    for (; found != kNoRow; found = index_->Next(found)) {
      if (!same(row, found)) continue;
      pairs.left.push_back(row);
      pairs.right.push_back(found);
    }
    if (pairs.left.size() > before || !keeps_left()) continue;
    pairs.left.push_back(row);
    pairs.right.push_back(kNoRow);
  }
  return use(pairs);
}

Result<void> Joiner::WritePart(std::size_t number, const Batch& left, const Pairs& pairs) {
  Batch out = left.Take(pairs.left);
  out.schema = layout_.schema;
  for (std::size_t i = 0; i < layout_.right_columns.size(); ++i) {
    out.columns.push_back(
        Gather(*values_, i, layout_.schema.fields[layout_.left_count + i], pairs.right));
  }
  if (keeps_right()) {
    for (const std::uint32_t row : pairs.right) {
      if (row != kNoRow) matched_[row].store(1, std::memory_order_relaxed);
    }
  }
  return writer_->Write(number, out);
}

std::vector<std::uint32_t> Joiner::Unmatched() const {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < matched_.size(); ++row) {
    if (matched_[row].load() == 0) rows.push_back(static_cast<std::uint32_t>(row));
  }
  return rows;
}

Result<void> Joiner::WriteUnmatched(std::size_t number, std::span<const std::uint32_t> rows) {
  Batch out{layout_.schema, {}, rows.size(), 0};
  const std::vector<std::uint32_t> none(rows.size(), kNoRow);
  for (std::size_t i = 0; i < layout_.left_count; ++i) {
    const Field& field = layout_.schema.fields[i];
    const std::size_t key = layout_.key_of_left[i];
    if (key == layout_.left_keys.size()) {
      out.columns.push_back(Gather(*values_, 0, field, none));
    } else {
      out.columns.push_back(Gather(*keys_, key, field, rows));
    }
  }
  for (std::size_t i = 0; i < layout_.right_columns.size(); ++i) {
    out.columns.push_back(Gather(*values_, i, layout_.schema.fields[layout_.left_count + i], rows));
  }
  return writer_->Write(number, out);
}

Result<QueryResult> Joiner::Run(const std::string& directory) {
  const IndexOptions with{options_.scratch_dir, execution_.memory_bytes, execution_.stop};
  DML_TRY(keys_, ResidentColumns::Read(right_, layout_.right_keys, execution_.stop));
  DML_TRY(values_, ResidentColumns::Read(right_, layout_.right_columns, execution_.stop));
  DML_TRY(index_, RowIndex::Build(*keys_, RowIndex::Missing::kSkip, with));
  if (keeps_right()) {
    matched_ = std::vector<std::atomic<std::uint8_t>>(static_cast<std::size_t>(right_.rows()));
  }
  const std::size_t partitions = left_.partition_count();
  // How many partitions come of each: one, unless matches multiply.
  std::vector<std::vector<std::uint64_t>> sizes(partitions);
  DML_RETURN_IF_ERROR(
      table::ForEachPartition(partitions, execution_, [&](std::size_t p) -> Result<void> {
        return ForEachPart(p, [&](const Pairs& pairs) -> Result<void> {
          sizes[p].push_back(pairs.left.size());
          return {};
        });
      }));
  std::vector<std::size_t> first_number(partitions);
  QueryResult out;
  for (std::size_t p = 0; p < partitions; ++p) {
    first_number[p] = out.partition_rows.size();
    out.partition_rows.insert(out.partition_rows.end(), sizes[p].begin(), sizes[p].end());
  }
  writer_.emplace(directory, layout_.schema);
  DML_RETURN_IF_ERROR(
      table::ForEachPartition(partitions, execution_, [&](std::size_t p) -> Result<void> {
        DML_TRY(const Batch left, left_.Read(p));
        std::size_t number = first_number[p];
        return ForEachPart(p, [&](const Pairs& pairs) { return WritePart(number++, left, pairs); });
      }));
  const std::vector<std::uint32_t> unmatched = Unmatched();
  for (std::size_t begin = 0; begin < unmatched.size(); begin += kPartRowsMax) {
    const std::size_t count = std::min(kPartRowsMax, unmatched.size() - begin);
    DML_RETURN_IF_ERROR(
        WriteUnmatched(out.partition_rows.size(), std::span(unmatched).subspan(begin, count)));
    out.partition_rows.push_back(count);
  }
  DML_RETURN_IF_ERROR(writer_->Finish());
  for (const std::uint64_t rows : out.partition_rows) out.rows += rows;
  return out;
}

}  // namespace

Result<QueryResult> Join(const table::Table& left, const table::Table& right,
                         const JoinOptions& options, const table::LoadExecution& execution,
                         const std::string& directory) {
  DML_TRY(Layout layout, LayOut(left.schema(), right.schema(), options));
  return Joiner(left, right, options, execution, std::move(layout)).Run(directory);
}

}  // namespace dml::sql
