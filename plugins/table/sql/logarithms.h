#pragma once

#include "base/result.h"

struct sqlite3;

namespace dml::sql {

// log(x) and log10(x) to base 10, log2(x), correctly rounded where the result is whole: SQLite up
// to 3.40 divides natural logarithms, which makes log10(1000) less than 3. Missing for x <= 0.
Result<void> AddLogarithms(sqlite3* db);

}  // namespace dml::sql
