#pragma once

#include <optional>
#include <string_view>

#include "plugins/table/schema.h"
#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

// A comparison of numbers or truth values with a text that is no number, such as `age > 'old'`: to
// SQLite every text is larger than every number, so it is always false or always true. Or of texts
// or times with a number, such as `code > 5`: SQLite compares that as texts, so '10' is less and
// 'A' is more; beside a result such as coalesce(code, 0) every text is more. Or of two such
// columns. Or a sum with a text, such as `code + 1`, which is 1 for 'A'. Finds those that stand
// there literally: = <> < > IS IN BETWEEN CASE + - * / % beside a column's name or a call that
// tells what its results are (operands.h).
[[nodiscard]] std::optional<Fault> FindTextComparison(std::string_view sql,
                                                      const table::Schema& schema);

}  // namespace dml::sql
