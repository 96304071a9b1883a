#pragma once

#include <optional>
#include <string_view>

#include "plugins/table/schema.h"
#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

// A comparison of a column of numbers or truth values with a text that is no number, such as
// `age > 'old'`: to SQLite every text is larger than every number, so it is always false or always
// true. Or of a column of texts or times with a number, such as `code > 5`: SQLite compares that as
// texts, so '10' is less and 'A' is more. Or of two such columns. Finds those that stand there
// literally: = <> < > IS IN BETWEEN CASE beside a column's name.
[[nodiscard]] std::optional<Fault> FindTextComparison(std::string_view sql,
                                                      const table::Schema& schema);

}  // namespace dml::sql
