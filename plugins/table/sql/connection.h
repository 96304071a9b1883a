#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/schema.h"
#include "plugins/table/sql/sql_text.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dml::sql {

// What an error names that is about no single text of the user.
inline constexpr char kWholeSql[] = "the SQL";

// What a user's SQL may see.
enum class Reach {
  kRow,    // the columns of one row: no other row, no row number, no subquery
  kTable,  // everything but changes
};

struct ConnectionOptions {
  std::string scratch_dir;        // for what does not fit into memory
  std::int64_t memory_bytes = 0;  // a quarter of it is for sorting; 0: 256 MiB are assumed
  std::stop_token stop;           // ends a running statement
  Reach reach = Reach::kTable;
  std::string database;  // a file to read; "" for none
};

class Statement;

// A SQLite connection in which a user's SQL can do no harm: it reads what it was given, cannot
// write, open files, or see the clock, a random number or the time zone, and it ends when asked
// to. Errors say where in the user's text and what was probably meant. Not thread-safe: one owner.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> Open(ConnectionOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] sqlite3* handle() const;
  [[nodiscard]] const ConnectionOptions& options() const;
  // Must outlive the statement.
  [[nodiscard]] Result<Statement> Prepare(SqlText text);

  // What SQLite has against `text`, of which one text is the user's; nothing if it can be prepared,
  // or if the fault is not in what the user wrote.
  [[nodiscard]] std::optional<Fault> FindFault(const SqlText& text);
  // A table without rows and without types, under a name that no other has.
  Result<void> AddEmptyTable(const std::string& name, const std::vector<std::string>& columns);

  // A table that exists under `name`, for suggestions, and the columns of it that SQL cannot see,
  // each with the reason.
  struct Hidden {
    std::string column;
    std::string reason;  // "is sparse"
  };
  void Describe(std::string name, std::vector<std::string> columns, std::vector<Hidden> hidden);
  // Keeps the cause of a failure inside a table, which SQLite would reduce to a code.
  void Blame(Error error);
  // Whether a table has handed out an infinite number: then results may be infinite, else it is the
  // calculation that went beyond float64.
  void NoteInfinity(bool seen);
  [[nodiscard]] bool saw_infinity() const;

 private:
  friend class Statement;
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  [[nodiscard]] Error Explain(const SqlText& text) const;
  struct Finding;
  [[nodiscard]] Finding Judge(const SqlText& text, const std::string& message) const;

  std::unique_ptr<State> state_;
};

// A prepared statement. Used by the owner of its connection.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  [[nodiscard]] sqlite3_stmt* handle() const { return statement_; }
  // Advances; false after the last row.
  Result<bool> Step();
  // Back to before the first row.
  void Reset();

 private:
  friend class Connection;
  Statement(Connection& connection, SqlText text, sqlite3_stmt* statement);

  Connection& connection_;
  std::unique_ptr<const SqlText> text_;
  sqlite3_stmt* statement_;
};

}  // namespace dml::sql
