#include "plugins/table/sql/cell.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cmath>

namespace dml::sql {

namespace {

Cell TextCell(const unsigned char* text, int bytes) {
  const auto* begin = reinterpret_cast<const char*>(text);
  return {
      Cell::Kind::kText, 0, 0, {begin == nullptr ? "" : begin, static_cast<std::size_t>(bytes)}};
}

}  // namespace

Cell CellOf(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return {Cell::Kind::kInteger, sqlite3_value_int64(value), 0, {}};
    case SQLITE_FLOAT:
      return {Cell::Kind::kReal, 0, sqlite3_value_double(value), {}};
    case SQLITE_TEXT: {
      const unsigned char* text = sqlite3_value_text(value);
      return TextCell(text, sqlite3_value_bytes(value));
    }
    case SQLITE_BLOB:
      return {Cell::Kind::kBlob, 0, 0, {}};
    default:
      return {};
  }
}

Cell CellOf(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return {Cell::Kind::kInteger, sqlite3_column_int64(statement, column), 0, {}};
    case SQLITE_FLOAT:
      return {Cell::Kind::kReal, 0, sqlite3_column_double(statement, column), {}};
    case SQLITE_TEXT: {
      const unsigned char* text = sqlite3_column_text(statement, column);
      return TextCell(text, sqlite3_column_bytes(statement, column));
    }
    case SQLITE_BLOB:
      return {Cell::Kind::kBlob, 0, 0, {}};
    default:
      return {};
  }
}

bool IsInfinite(const Cell& cell) {
  return cell.kind == Cell::Kind::kReal && std::isinf(cell.real);
}

std::string ShowCell(const Cell& cell) {
  constexpr std::size_t kShownMax = 40;  // bytes
  switch (cell.kind) {
    case Cell::Kind::kMissing:
      return "a missing value";
    case Cell::Kind::kInteger:
      return fmt::format("{}", cell.integer);
    case Cell::Kind::kReal:
      return fmt::format("{}", cell.real);
    case Cell::Kind::kBlob:
      return "a blob";
    case Cell::Kind::kText:
      break;
  }
  std::size_t end = std::min(cell.text.size(), kShownMax);
  while (end < cell.text.size() && (static_cast<unsigned char>(cell.text[end]) & 0xC0) == 0x80) {
    ++end;
  }
  return fmt::format("'{}{}'", cell.text.substr(0, end), end < cell.text.size() ? "..." : "");
}

}  // namespace dml::sql
