#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/sql/syntax_check.h"

namespace dml::sql {

// The name of a column in a text, where there is no such column.
struct UnknownName {
  std::string name;                  // as an error has it: unquoted, with the table before it
  std::optional<std::size_t> begin;  // its first byte, if SQLite tells
  std::string meant;                 // "did you mean 'age'?", or ""
};

// What `sql` names although the table `data` has none but these columns; each name once. Nothing of
// a text that FindSyntaxFault refuses, from its fault on, nor of tables that SQLite could not hold.
// Pure.
[[nodiscard]] std::vector<UnknownName> FindUnknownColumns(std::string_view sql, TextRole role,
                                                          const std::vector<std::string>& columns);

}  // namespace dml::sql
