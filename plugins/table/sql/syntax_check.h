#pragma once

#include <optional>
#include <string_view>

#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

// What a text is going to be.
enum class TextRole {
  kRowExpression,    // over the columns of one row
  kGroupExpression,  // over the columns of many rows, with aggregates
  kQuery,            // one SELECT
};

// The statement in which a text is prepared that is judged before there is a table: over one that
// is called data.
[[nodiscard]] SqlText StatementOf(std::string_view sql, TextRole role);

// What is wrong with a text whatever the tables and columns are: its syntax, functions that do not
// exist or cannot stand where they do, numbers beyond float64, anything but a SELECT. Names of
// tables and columns are taken to exist. Pure.
[[nodiscard]] std::optional<Fault> FindSyntaxFault(std::string_view sql, TextRole role);

}  // namespace dml::sql
