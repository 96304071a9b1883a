#pragma once

#include "base/result.h"

struct sqlite3;

namespace dml::sql {

// Functions of times that SQLite lacks, or has only as text. A missing argument gives a missing
// result; a text that is no time is an error.
//   year(t), quarter(t), month(t), week(t), day(t), hour(t), minute(t), second(t)
//   weekday(t)            0 is Monday
//   dayofyear(t)          from 1
//   days_between(a, b)    from a to b, with decimals; negative if b is earlier
//   seconds_between(a, b)
//   date_trunc(unit, t)   the start of its year, quarter, month, week, day, hour or minute
//   parse_time(x, format) a text by a format of %Y %m %d %H %M %S %y %b %p %I %f
Result<void> AddTimeFunctions(sqlite3* db);

}  // namespace dml::sql
