#pragma once

#include "base/result.h"

struct sqlite3;

namespace dml::sql {

// The aggregates that SQLite lacks, over the values of a group that are present:
//   median(x)                     the middle value, or the mean of the two in the middle
//   quantile(x, q)                0 <= q <= 1, linear between neighbours, as numpy's default
//   var(x), stddev(x)             of a sample: divided by n - 1; missing for n < 2
//   var_pop(x), stddev_pop(x)     divided by n
//   first(x), last(x)             in row order
// and the sums that it has, made exact: sum(), avg() and total() add whole numbers without rounding
// and decimals with the error of one addition (Neumaier, "Rundungsfehleranalyse einiger Verfahren
// zur Summation endlicher Summen", 1974), so that no version of SQLite gives other bits. A text
// that is not a number is an error, not a zero.
Result<void> AddAggregates(sqlite3* db);

// Adds sum, avg and total.
Result<void> AddSums(sqlite3* db);

}  // namespace dml::sql
