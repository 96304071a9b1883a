#include "plugins/table/sql/row_expressions.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <functional>
#include <new>
#include <span>

#include "plugins/table/sql/table_module.h"

namespace dml::sql {

namespace {

// Fewer than a function of SQLite may have arguments.
constexpr std::size_t kTextsAtOnceMax = 100;

// Takes the values of all expressions of a row. Being the argument of a function in WHERE, an
// expression can hold no aggregate and no window function, and the rows need not be handed out.
// `may_be_infinite`: the row holds an infinite number already.
using Taker = std::function<Result<void>(std::span<sqlite3_value*>, bool may_be_infinite)>;

struct Pass {
  const Taker* take = nullptr;
  Connection* connection = nullptr;
  std::uint64_t row = 0;  // how many were taken
};

void Take(sqlite3_context* call, int count, sqlite3_value** values) {
  auto& pass = *static_cast<Pass*>(sqlite3_user_data(call));
  sqlite3_result_int(call, 0);
  try {
    auto taken =
        (*pass.take)({values, static_cast<std::size_t>(count)}, pass.connection->saw_infinity());
    pass.connection->NoteInfinity(false);  // of the next row
    if (!taken.ok()) {
      pass.connection->Blame(std::move(taken).error());
      return sqlite3_result_error(call, "refused", -1);
    }
    ++pass.row;
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(call);
  }
}

// Evaluates all texts at once. `row` is where it stopped.
Result<void> RunOnce(const RowSource& rows, std::span<const UserText> texts,
                     const ConnectionOptions& options, const Taker& take, std::uint64_t& row) {
  ConnectionOptions row_wise = options;
  row_wise.reach = Reach::kRow;
  DML_TRY(const auto connection, Connection::Open(std::move(row_wise)));
  Pass pass{&take, connection.get(), 0};
  sqlite3_create_function_v2(connection->handle(), "dml_take", -1, SQLITE_UTF8, &pass, Take,
                             nullptr, nullptr, nullptr);
  SqlText sql;
  sql.Add("SELECT 1 FROM data WHERE dml_take(");
  for (const UserText& text : texts) {
    if (&text != texts.data()) sql.Add(", ");
    sql.AddExpression(text);
  }
  sql.Add(")");
  DML_RETURN_IF_ERROR(AddTable(*connection, "data", rows, sql.sql()));
  DML_TRY(Statement statement, connection->Prepare(std::move(sql)));
  auto more = statement.Step();
  row = pass.row;
  if (!more.ok()) return std::move(more).error();
  return {};
}

// RunOnce, and of an error in a value also which text it was and in which row.
Result<void> Run(const RowSource& rows, std::span<const UserText> texts,
                 const ConnectionOptions& options, const Taker& take) {
  const auto located = [&rows, first = rows.first_row()](Error error, std::uint64_t row) {
    std::uint64_t count = 0;
    for (std::size_t piece = 0; piece < rows.pieces(); ++piece) count += rows.piece_rows(piece);
    if (row >= count) return error;  // found when all rows were through
    return std::move(error).At(fmt::format("row {}", first + row + 1));
  };
  std::uint64_t row = 0;
  auto done = RunOnce(rows, texts, options, take, row);
  if (done.ok() || done.error().kind != ErrorKind::kInvalid) return done;
  const Taker nothing = [](std::span<sqlite3_value*>, bool) { return Result<void>(); };
  std::uint64_t empty_row = 0;
  const RowSource none = RowSource::Empty(rows.schema());
  if (!RunOnce(none, texts, options, nothing, empty_row).ok()) return done;
  for (const UserText& text : texts) {
    std::uint64_t at = 0;
    auto alone = RunOnce(rows, {&text, 1}, options, nothing, at);
    if (!alone.ok()) return located(std::move(alone).error(), at);
  }
  return located(std::move(done).error(), row);
}

Error BeyondFloat(const UserText& text) {
  return ErrorIn(
      text, "the result is too large for float64",
      "calculate with smaller numbers, or make them missing: CASE WHEN ... THEN ... END");
}

}  // namespace

Result<void> CheckExpressions(const table::Schema& schema, const std::vector<UserText>& texts,
                              const ConnectionOptions& options) {
  const Taker nothing = [](std::span<sqlite3_value*>, bool) { return Result<void>(); };
  const RowSource none = RowSource::Empty(schema);
  for (const UserText& text : texts) {
    DML_RETURN_IF_ERROR(CheckExpression(text));
    std::uint64_t row = 0;
    DML_RETURN_IF_ERROR(RunOnce(none, {&text, 1}, options, nothing, row));
  }
  return {};
}

Result<std::vector<std::uint32_t>> SelectRows(const RowSource& rows, const UserText& where,
                                              const ConnectionOptions& options) {
  std::vector<std::uint32_t> selected;
  std::uint32_t row = 0;
  const Taker take = [&](std::span<sqlite3_value*> values, bool) -> Result<void> {
    const Cell cell = CellOf(values[0]);
    if (cell.kind == Cell::Kind::kText || cell.kind == Cell::Kind::kBlob) {
      return ErrorIn(
          where, fmt::format("the result is {}, which is neither true nor false", ShowCell(cell)),
          "compare it with something: = '...', LIKE '...%', IS NOT NULL");
    }
    if (cell.integer != 0 || cell.real != 0) selected.push_back(row);
    ++row;
    return {};
  };
  DML_RETURN_IF_ERROR(Run(rows, {&where, 1}, options, take));
  return selected;
}

Result<void> EvaluateRows(const RowSource& rows, const std::vector<UserText>& texts,
                          const ConnectionOptions& options, ResultChunk& chunk) {
  for (std::size_t begin = 0; begin < texts.size(); begin += kTextsAtOnceMax) {
    const std::size_t count = std::min(kTextsAtOnceMax, texts.size() - begin);
    const Taker take = [&](std::span<sqlite3_value*> values, bool may_be_infinite) -> Result<void> {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const Cell cell = CellOf(values[i]);
        if (IsInfinite(cell) && !may_be_infinite) return BeyondFloat(texts[begin + i]);
        DML_RETURN_IF_ERROR(chunk.Append(begin + i, cell));
      }
      return {};
    };
    DML_RETURN_IF_ERROR(Run(rows, std::span(texts).subspan(begin, count), options, take));
  }
  return {};
}

}  // namespace dml::sql
