#include "tests/sql/query_lab.h"

#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "plugins/table/civil_time.h"
#include "plugins/table/column_builder.h"

namespace dml::sql {

namespace {

using table::ColumnType;

void Append(table::ColumnBuilder& column, ColumnType type, const Value& value) {
  const bool text = type == ColumnType::kCategory || type == ColumnType::kString;
  if (!value || (!text && value->empty())) return column.AppendMissing();
  switch (type) {
    case ColumnType::kFloat64:
    case ColumnType::kFloat32:
      return column.AppendDouble(std::strtod(value->c_str(), nullptr));
    case ColumnType::kInt64:
      return column.AppendInt64(std::strtoll(value->c_str(), nullptr, 10));
    case ColumnType::kBool:
      return column.AppendBool(*value == "true");
    case ColumnType::kTimestamp:
      return column.AppendInt64(*table::ParseIsoTimestamp(*value));
    case ColumnType::kCategory:
    case ColumnType::kString:
      return column.AppendText(*value);
    case ColumnType::kSparse: {
      const std::int32_t index = 0;
      const double one = 1;
      return column.AppendSparse({&index, 1}, {&one, 1});
    }
  }
}

}  // namespace

void QueryLab::AddTable(const std::string& name, const table::Schema& schema,
                        const std::vector<std::vector<Value>>& rows, std::size_t partition_rows) {
  const std::string directory = folder_ / ("table-" + name);
  ASSERT_TRUE(MakeDirectories(directory).ok());
  table::TableWriter writer(directory, schema);
  std::size_t partition = 0;
  for (std::size_t begin = 0; begin == 0 || begin < rows.size(); begin += partition_rows) {
    const std::size_t end = std::min(rows.size(), begin + partition_rows);
    table::Batch batch{schema, {}, end - begin, begin};
    for (std::size_t c = 0; c < schema.fields.size(); ++c) {
      table::ColumnBuilder column(schema.fields[c]);
      for (std::size_t row = begin; row < end; ++row) {
        Append(column, schema.fields[c].type, rows[row][c]);
      }
      batch.columns.push_back(column.Finish());
    }
    ASSERT_TRUE(writer.Write(partition++, batch).ok());
  }
  ASSERT_TRUE(writer.Finish().ok());
  auto table = table::Table::OpenDirectory(directory);
  ASSERT_TRUE(table.ok()) << table.error().Render();
  tables_.push_back({name, *table});
}

Result<table::Table> QueryLab::Run(const std::string& sql, const ResultTypes& types) {
  if (options_.scratch_dir.empty()) options_.scratch_dir = folder_ / "scratch";
  const std::string directory = folder_ / ("result-" + std::to_string(runs_++));
  DML_RETURN_IF_ERROR(MakeDirectories(directory));
  const UserText text{"sql", sql};
  DML_RETURN_IF_ERROR(CheckQuery(text));
  DML_TRY([[maybe_unused]] const QueryResult result,
          RunQuery(std::move(SqlText().AddQuery(text)), tables_, types, options_, directory));
  return table::Table::OpenDirectory(directory);
}

std::string QueryLab::Query(const std::string& sql, const ResultTypes& types) {
  auto table = Run(sql, types);
  if (!table.ok()) return table.error().Render();
  std::string out;
  for (std::size_t p = 0; p < table->partition_count(); ++p) {
    auto batch = table->Read(p);
    if (!batch.ok()) return batch.error().Render();
    for (std::size_t row = 0; row < batch->rows; ++row) {
      for (std::size_t c = 0; c < batch->columns.size(); ++c) {
        const table::Column& column = batch->columns[c];
        out += c == 0 ? "" : "|";
        out += column.IsValid(row) ? column.AsText(row) : "~";
      }
      out += '\n';
    }
  }
  return out;
}

std::string QueryLab::Types(const std::string& sql, const ResultTypes& types) {
  auto table = Run(sql, types);
  if (!table.ok()) return table.error().Render();
  std::string out;
  for (const table::Field& field : table->schema().fields) {
    out += (out.empty() ? "" : " ") + field.name + ":" + std::string(ColumnTypeName(field.type));
  }
  return out;
}

}  // namespace dml::sql
