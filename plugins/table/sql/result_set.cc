#include "plugins/table/sql/result_set.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <utility>

#include "base/files.h"
#include "plugins/table/civil_time.h"
#include "plugins/table/partition_file.h"

namespace dml::sql {

namespace {

using table::Column;
using table::ColumnBuilder;
using table::ColumnType;

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i <= more) return false;
    const auto next = static_cast<unsigned char>(text[i + 1]);
    if ((lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) ||
        (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F)) {
      return false;
    }
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

bool IsText(ColumnType type) {
  return type == ColumnType::kString || type == ColumnType::kCategory;
}

// A number as SQL writes it: 3, 3.0, 0.5.
std::string NumberText(const Cell& cell) {
  if (cell.kind == Cell::Kind::kInteger) return fmt::format("{}", cell.integer);
  std::string text = fmt::format("{}", cell.real);
  if (text.find_first_of(".ein") == std::string::npos) text += ".0";
  return text;
}

// A value of a column before it was settled, in the settled type.
void AppendSettled(ColumnBuilder& to, ColumnType type, const Column& from, std::size_t row) {
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      return to.AppendDouble(from.AsDouble(row));
    case ColumnType::kInt64:
      return to.AppendInt64(from.type() == ColumnType::kInt64
                                ? from.int64()[row]
                                : static_cast<std::int64_t>(from.float64()[row]));
    case ColumnType::kBool:
      return to.AppendBool(from.AsDouble(row) != 0);
    case ColumnType::kTimestamp:
      return to.AppendInt64(*table::ParseIsoTimestamp(from.string(row)));
    case ColumnType::kCategory:
    case ColumnType::kString:
      return to.AppendText(from.string(row));
    case ColumnType::kSparse:
      DML_UNREACHABLE("no result is sparse");
  }
}

Column SettleColumn(const table::Field& field, const Column& from) {
  if (from.type() == field.type) return from;
  ColumnBuilder builder(field);
  builder.Reserve(from.size());
  for (std::size_t row = 0; row < from.size(); ++row) {
    if (from.IsValid(row)) {
      AppendSettled(builder, field.type, from, row);
    } else {
      builder.AppendMissing();
    }
  }
  return builder.Finish();
}

}  // namespace

ResultChunk::ResultChunk(const std::vector<ResultColumn>& columns) {
  for (const ResultColumn& column : columns) {
    Part& part = parts_.emplace_back();
    part.column = column;
    part.as_text = column.insists && column.type && IsText(*column.type);
  }
}

void ResultChunk::Begin(Part& part, ColumnType type) {
  part.type = type;
  part.builder.emplace_back(table::Field{part.column.name, type, 1});
  for (std::size_t row = 0; row < part.rows; ++row) part.builder.front().AppendMissing();
}

// Whole numbers so far, and now a decimal.
void ResultChunk::Widen(Part& part) {
  const Column whole = part.builder.front().Finish();
  part.builder.clear();
  part.type = ColumnType::kFloat64;
  ColumnBuilder& wide = part.builder.emplace_back(table::Field{part.column.name, part.type, 1});
  for (std::size_t row = 0; row < part.rows; ++row) wide.AppendDouble(whole.AsDouble(row));
}

Result<void> ResultChunk::Put(Part& part, const Cell& cell) {
  const ColumnType needed = cell.kind == Cell::Kind::kText      ? ColumnType::kString
                            : cell.kind == Cell::Kind::kInteger ? ColumnType::kInt64
                                                                : ColumnType::kFloat64;
  if (part.builder.empty()) Begin(part, needed);
  if (part.type != needed) {
    if (part.type == ColumnType::kInt64 && needed == ColumnType::kFloat64) {
      Widen(part);
    } else if (part.type == ColumnType::kString || needed == ColumnType::kString) {
      const ResultColumn wanted =
          part.column.insists ? part.column : ResultColumn{part.column.name};
      DML_TRY([[maybe_unused]] const ColumnType type, part.findings.Decide(wanted));
    }
  }
  ColumnBuilder& builder = part.builder.front();
  if (part.type == ColumnType::kString) {
    builder.AppendText(cell.text);
  } else if (part.type == ColumnType::kInt64) {
    builder.AppendInt64(cell.integer);
  } else {
    builder.AppendDouble(cell.kind == Cell::Kind::kInteger ? static_cast<double>(cell.integer)
                                                           : cell.real);
  }
  return {};
}

Result<void> ResultChunk::Append(std::size_t column, const Cell& cell) {
  Part& part = parts_[column];
  bytes_ += 8;
  if (cell.kind == Cell::Kind::kMissing ||
      (cell.kind == Cell::Kind::kReal && std::isnan(cell.real))) {
    if (!part.builder.empty()) part.builder.front().AppendMissing();
    ++part.rows;
    return {};
  }
  if (cell.kind == Cell::Kind::kBlob) {
    return Error::Invalid(fmt::format("column '{}' holds a blob", part.column.name),
                          "hex(...) or CAST(... AS TEXT) makes a text of it");
  }
  Cell stored = cell;
  std::string text;
  if (part.as_text && cell.kind != Cell::Kind::kText) {
    text = NumberText(cell);
    stored = {Cell::Kind::kText, 0, 0, text};
  }
  if (stored.kind == Cell::Kind::kText && !IsUtf8(stored.text)) {
    return Error::Invalid(
        fmt::format("column '{}' holds a text that is not UTF-8", part.column.name),
        "hex(...) shows its bytes");
  }
  part.findings.See(stored);
  DML_RETURN_IF_ERROR(Put(part, stored));
  bytes_ += static_cast<std::int64_t>(stored.text.size());
  ++part.rows;
  return {};
}

Column ResultChunk::Finish(Part& part) {
  if (part.builder.empty()) Begin(part, ColumnType::kFloat64);
  return part.builder.front().Finish();
}

ResultSet::ResultSet(std::vector<ResultColumn> columns, std::string scratch_dir,
                     std::int64_t memory_bytes)
    : columns_(std::move(columns)),
      scratch_dir_(std::move(scratch_dir)),
      memory_max_(memory_bytes > 0 ? memory_bytes / 4 : std::int64_t{256} << 20),
      findings_(columns_.size()) {}

std::string ResultSet::PathOf(std::size_t number) const {
  return fmt::format("{}/result-{}.safetensors", scratch_dir_, number);
}

Result<void> ResultSet::Add(std::size_t number, ResultChunk chunk) {
  table::Batch batch;
  batch.rows = chunk.rows();
  for (ResultChunk::Part& part : chunk.parts_) {
    Column column = ResultChunk::Finish(part);
    batch.schema.fields.push_back({part.column.name, column.type(), 1});
    batch.columns.push_back(std::move(column));
  }
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      findings_[i].Merge(chunk.parts_[i].findings);
    }
    if (held_bytes_ + chunk.bytes() <= memory_max_) {
      held_bytes_ += chunk.bytes();
      held_.emplace(number, std::move(batch));
      return {};
    }
  }
  DML_RETURN_IF_ERROR(MakeDirectories(scratch_dir_));
  return table::WritePartitionFile(PathOf(number), batch);
}

Result<table::Schema> ResultSet::Settle() {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    DML_TRY(const ColumnType type, findings_[i].Decide(columns_[i]));
    schema_.fields.push_back({columns_[i].name, type, 1});
  }
  return schema_;
}

Result<table::Batch> ResultSet::Take(std::size_t number) {
  table::Batch batch;
  bool held = false;
  {
    const std::scoped_lock lock(mutex_);
    if (auto found = held_.extract(number)) {
      batch = std::move(found.mapped());
      held = true;
    }
  }
  if (!held) {
    DML_TRY(auto file, TensorFile::Open(PathOf(number)));
    ::unlink(PathOf(number).c_str());
    DML_TRY(const auto partition, table::PartitionFile::Open(std::move(file), PathOf(number)));
    batch.rows = static_cast<std::size_t>(partition.rows());
    for (const table::Field& field : partition.schema().fields) {
      DML_TRY(Column column, partition.ReadColumn(field));
      batch.schema.fields.push_back(field);
      batch.columns.push_back(std::move(column));
    }
  }
  table::Batch settled{schema_, {}, batch.rows, 0};
  for (std::size_t i = 0; i < schema_.fields.size(); ++i) {
    settled.columns.push_back(SettleColumn(schema_.fields[i], batch.columns[i]));
  }
  return settled;
}

}  // namespace dml::sql
