#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plugins/table/schema.h"

namespace dml::sql {

// How many columns a table may have to SQLite, and a result.
inline constexpr std::size_t kColumnsMax = 2000;

// The columns of the table `name` that `statement` gets to see: all of them, and of more than
// kColumnsMax those that it names. kInvalid with the remedy if it names more than that or asks for
// all, as SELECT * and NATURAL JOIN do.
Result<table::Schema> VisibleColumns(const table::Schema& schema, const std::string& name,
                                     std::string_view statement);

}  // namespace dml::sql
