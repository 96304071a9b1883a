#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/sql/connection.h"

namespace dml::sql {

// A table as its users know it.
struct VisibleTable {
  std::string name;
  std::vector<std::string> columns;
  std::vector<Connection::Hidden> hidden;
};

struct Words {
  std::string message;
  std::string hint;
};

// What SQLite's `message` means to somebody who wrote an expression, and what was probably meant.
[[nodiscard]] Words WordsFor(std::string_view message, sqlite3* db,
                             const std::vector<VisibleTable>& tables, Reach reach);

// Where the table stands that SQLite's `message` says there is not; nothing for other messages.
[[nodiscard]] std::optional<std::size_t> FindTable(std::string_view sql, std::string_view message);

// The end of the name or token at `begin`, for underlining: of all of a.b, if names are joined.
[[nodiscard]] std::size_t EndOfTokens(std::string_view sql, std::size_t begin);

// The file: URI of a database that is only read.
[[nodiscard]] std::string DatabaseUri(std::string_view path);

}  // namespace dml::sql
