#include "plugins/table/sql/query.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <set>

#include "plugins/table/sql/result_set.h"
#include "plugins/table/sql/table_module.h"

namespace dml::sql {

namespace {

constexpr std::int64_t kPartitionBytes = std::int64_t{32} << 20;

Error NoSelect() {
  return Error::Invalid("only SELECT is allowed here", "a query reads tables; it changes nothing");
}

Result<std::vector<ResultColumn>> ColumnsOf(const Statement& statement, const ResultTypes& types) {
  std::vector<ResultColumn> columns;
  std::vector<std::string> names;
  const int count = sqlite3_column_count(statement.handle());
  for (int i = 0; i < count; ++i) {
    ResultColumn column;
    column.name = sqlite3_column_name(statement.handle(), i);
    column.type = DeclaredType(sqlite3_column_decltype(statement.handle(), i));
    if (std::ranges::find(names, column.name) != names.end()) {
      return Error::Invalid(fmt::format("two columns of the result are called '{}'", column.name),
                            "name one of them with AS");
    }
    names.push_back(column.name);
    if (const auto wanted = types.find(column.name); wanted != types.end()) {
      column.type = wanted->second;
      column.insists = true;
    }
    columns.push_back(std::move(column));
  }
  for (const auto& [name, type] : types) {
    if (std::ranges::find(names, name) != names.end()) continue;
    return Error::Invalid(fmt::format("types: the result has no column '{}'", name),
                          fmt::format("its columns are {}", fmt::join(names, ", ")));
  }
  return columns;
}

Error BeyondFloat(const std::string& column) {
  return Error::Invalid(
      fmt::format("column '{}': the result is too large for float64", column),
      "calculate with smaller numbers, or make them missing: CASE WHEN ... THEN ... END");
}

// All rows, cut into chunks; returns how many chunks there are. What a database holds may be
// infinite, as what tables hold: results are then taken as they are.
Result<std::size_t> Collect(Statement& statement, const std::vector<ResultColumn>& columns,
                            const Connection& connection, ResultSet& results) {
  const bool of_tables = connection.options().database.empty();
  std::size_t chunks = 0;
  std::uint64_t row = 0;  // from 1
  for (bool more = true; more;) {
    ResultChunk chunk = results.NewChunk();
    while (chunk.bytes() < kPartitionBytes) {
      DML_TRY(more, statement.Step());
      if (!more) break;
      ++row;
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const Cell cell = CellOf(statement.handle(), static_cast<int>(c));
        const bool beyond = IsInfinite(cell) && of_tables && !connection.saw_infinity();
        Result<void> added = beyond ? BeyondFloat(columns[c].name) : chunk.Append(c, cell);
        if (!added.ok()) {
          return std::move(added).error().At(fmt::format("row {} of the result", row));
        }
      }
    }
    // The rows may end where a chunk does: an empty one is written only if it is the first.
    if (chunk.rows() > 0 || chunks == 0) {
      DML_RETURN_IF_ERROR(results.Add(chunks++, std::move(chunk)));
    }
  }
  return chunks;
}

}  // namespace

Result<QueryResult> RunQuery(SqlText query, const std::vector<NamedTable>& tables,
                             const ResultTypes& types, const ConnectionOptions& options,
                             const std::string& directory) {
  DML_TRY(const auto connection, Connection::Open(options));
  for (const NamedTable& named : tables) {
    DML_RETURN_IF_ERROR(
        AddTable(*connection, named.name, RowSource::Whole(named.table), query.sql()));
  }
  DML_TRY(Statement statement, connection->Prepare(std::move(query)));
  if (statement.handle() == nullptr || sqlite3_column_count(statement.handle()) == 0 ||
      sqlite3_stmt_isexplain(statement.handle()) != 0) {
    return NoSelect();
  }
  DML_TRY(const std::vector<ResultColumn> columns, ColumnsOf(statement, types));
  ResultSet results(columns, options.scratch_dir, options.memory_bytes);
  DML_TRY(const std::size_t chunks, Collect(statement, columns, *connection, results));
  DML_TRY(const table::Schema schema, results.Settle());
  table::TableWriter writer(directory, schema);
  QueryResult out;
  for (std::size_t p = 0; p < chunks; ++p) {
    if (options.stop.stop_requested()) return Error::Cancelled("stopped");
    DML_TRY(const table::Batch batch, results.Take(p));
    out.rows += batch.rows;
    out.partition_rows.push_back(batch.rows);
    DML_RETURN_IF_ERROR(writer.Write(p, batch));
  }
  DML_RETURN_IF_ERROR(writer.Finish());
  return out;
}

namespace {

// The columns [first, last) of an aggregation, with its keys.
SqlText GroupingText(const Aggregation& aggregation, const std::string& keys, std::size_t first,
                     std::size_t last) {
  SqlText sql;
  sql.Add("SELECT ");
  const char* separator = "";
  for (const std::string& key : aggregation.by) {
    sql.Add(separator + ("data." + QuoteName(key)) + " AS " + QuoteName(key));
    separator = ", ";
  }
  for (std::size_t i = first; i < last; ++i) {
    sql.Add(separator);
    separator = ", ";
    sql.AddExpression(aggregation.columns[i]);
    sql.Add(" AS " + QuoteName(aggregation.names[i]));
  }
  sql.Add(" FROM data");
  if (!keys.empty()) sql.Add(" GROUP BY " + keys + " ORDER BY " + keys);
  return sql;
}

bool IsUnplaced(const Error& error) {
  return error.kind == ErrorKind::kInvalid && error.message.starts_with(kWholeSql);
}

}  // namespace

Result<QueryResult> Aggregate(const Aggregation& aggregation, const table::Table& data,
                              const ResultTypes& types, const ConnectionOptions& options,
                              const std::string& directory) {
  std::string keys;
  for (const std::string& key : aggregation.by) {
    DML_TRY([[maybe_unused]] const std::size_t index, data.schema().Find(key));
    keys += (keys.empty() ? "data." : ", data.") + QuoteName(key);
  }
  if (aggregation.by.empty() && aggregation.columns.empty()) {
    return Error::Invalid("columns: nothing is to be computed", "such as {rows: \"count(*)\"}");
  }
  for (const UserText& column : aggregation.columns) DML_RETURN_IF_ERROR(CheckExpression(column));
  const auto run = [&](std::size_t first, std::size_t last, const ResultTypes& wanted) {
    return RunQuery(GroupingText(aggregation, keys, first, last), {{"data", data}}, wanted, options,
                    directory);
  };
  const std::size_t count = aggregation.columns.size();
  Result<QueryResult> whole = run(0, count, types);
  // SQLite does not say which expression failed as it ran: alone, it tells of itself.
  for (std::size_t i = 0; !whole.ok() && IsUnplaced(whole.error()) && i < count; ++i) {
    Result<QueryResult> alone = run(i, i + 1, {});
    if (!alone.ok()) return std::move(alone).error();
  }
  DML_TRY(const QueryResult result, std::move(whole));
  if (aggregation.by.empty() && result.rows > 1) {
    return Error::Invalid("there is a row for every row of the data",
                          "every column needs an aggregate such as sum(x), or set by");
  }
  return result;
}

}  // namespace dml::sql
