#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dml::state {

// A prepared statement. Bind() in order, then Run() or Step(); Reset happens by itself. Text that
// is bound must live until the statement has run. Used by the thread that owns the database.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& Bind(std::int64_t value);
  Statement& Bind(std::string_view text);
  Statement& Bind(const Digest& digest);
  Statement& BindNull();

  // Executes to the end, for statements that return no rows.
  Result<void> Run();
  // Advances; false after the last row.
  Result<bool> Step();

  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] std::string Text(int column) const;
  [[nodiscard]] Digest Hash(int column) const;
  [[nodiscard]] bool IsNull(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}

  sqlite3* db_;
  sqlite3_stmt* statement_;
  int next_parameter_ = 1;
  int bind_error_ = 0;
};

enum class OpenMode { kReadWrite, kReadOnly };

// A SQLite database in WAL mode. Errors are kEnvironment and name the file; a full disk, a
// read-only folder and a damaged file have their own words. Not thread-safe: one owner.
class Database {
 public:
  // ":memory:" works. `read-write` creates the file.
  static Result<Database> Open(const std::string& path, OpenMode mode);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  [[nodiscard]] Result<Statement> Prepare(std::string_view sql);
  Result<void> Execute(const std::string& sql);
  [[nodiscard]] std::int64_t LastInsertId() const;
  // Whether the file is still where it was opened; kEnvironment if not. Before every commit.
  [[nodiscard]] Result<void> CheckPlace() const;

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  Result<void> EnterWal();
  sqlite3* db_;
};

// Whether an error says that a database is damaged: unlike a full disk or a lock, that does not
// pass.
[[nodiscard]] bool IsDamage(const Error& error);

// The version of the tables, which the migrations count; 0 of a new database.
[[nodiscard]] Result<std::int64_t> VersionOf(Database& db);

// Rolls back unless Commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& db);
  Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> Commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_;
};

}  // namespace dml::state
