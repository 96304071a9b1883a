#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3_stmt;
struct sqlite3_value;

namespace dml::sql {

// One value that SQL computed. A text is borrowed until the statement goes on.
struct Cell {
  enum class Kind { kMissing, kInteger, kReal, kText, kBlob };
  Kind kind = Kind::kMissing;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;
};

[[nodiscard]] Cell CellOf(sqlite3_value* value);
[[nodiscard]] Cell CellOf(sqlite3_stmt* statement, int column);

[[nodiscard]] bool IsInfinite(const Cell& cell);

// For messages: 3, 0.5, 'a text' (shortened), missing.
[[nodiscard]] std::string ShowCell(const Cell& cell);

}  // namespace dml::sql
