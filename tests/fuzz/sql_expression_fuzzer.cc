// Any text as the expression of a row and as a query: it ends, and whatever is refused is refused
// with a message that quotes it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stop_token>
#include <string>

#include "base/check.h"
#include "base/files.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/sql/query.h"
#include "plugins/table/sql/row_expressions.h"
#include "tests/fuzz/scratch_folder.h"

namespace {

using dml::table::ColumnType;

dml::table::Table MakeTable(const std::string& directory) {
  const dml::table::Schema schema{{{"x", ColumnType::kFloat64, 1},
                                   {"i", ColumnType::kInt64, 1},
                                   {"t", ColumnType::kTimestamp, 1},
                                   {"s", ColumnType::kCategory, 1}}};
  dml::table::Batch batch{schema, {}, 3, 0};
  dml::table::ColumnBuilder x(schema.fields[0]);
  dml::table::ColumnBuilder i(schema.fields[1]);
  dml::table::ColumnBuilder t(schema.fields[2]);
  dml::table::ColumnBuilder s(schema.fields[3]);
  for (const int row : {0, 1}) {
    x.AppendDouble(row / 3.0);
    i.AppendInt64(INT64_MAX - row);
    t.AppendInt64(std::int64_t{row} << 50);
    s.AppendText(row == 0 ? "" : "text");
  }
  for (auto* column : {&x, &i, &t, &s}) {
    column->AppendMissing();
    batch.columns.push_back(column->Finish());
  }
  DML_CHECK(dml::MakeDirectories(directory).ok(), "the folder can be made");
  dml::table::TableWriter writer(directory, schema);
  DML_CHECK(writer.Write(0, batch).ok() && writer.Finish().ok(), "the table can be written");
  auto table = dml::table::Table::OpenDirectory(directory);
  DML_CHECK(table.ok(), "the table can be read");
  return *table;
}

void CheckMessage(const dml::Error& error) {
  DML_CHECK(error.kind != dml::ErrorKind::kEnvironment, "text cannot break the machine");
  DML_CHECK(!error.message.empty(), "a refusal says why");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dml::fuzz::ScratchFolder folder;
  static const dml::table::Table table = MakeTable(folder.path() + "/table");
  dml::sql::ConnectionOptions options;
  options.scratch_dir = folder.path() + "/scratch";
  options.memory_bytes = 16 << 20;
  const dml::sql::UserText text{"sql", std::string(reinterpret_cast<const char*>(data), size)};
  auto checked = dml::sql::CheckExpressions(table.schema(), {text}, options);
  if (checked.ok()) {
    dml::sql::ResultChunk chunk({{"y"}});
    auto rows = dml::sql::EvaluateRows(dml::sql::RowSource(table, 0, 1), {text}, options, chunk);
    if (!rows.ok()) CheckMessage(rows.error());
    DML_CHECK(!rows.ok() || chunk.rows() == 3, "every row has a value");
  } else {
    CheckMessage(checked.error());
  }
  return 0;
}
