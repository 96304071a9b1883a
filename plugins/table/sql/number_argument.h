#pragma once

#include <optional>

struct sqlite3_context;
struct sqlite3_value;

namespace dml::sql {

// A number that an aggregate is given: whole or not.
struct Number {
  bool whole = false;
  long long integer = 0;
  double real = 0;  // also set for a whole number
};

// The argument of `function` as a number. Nothing if it is missing, or if it is none, which then is
// the error of the call.
std::optional<Number> NumberArgument(sqlite3_context* call, sqlite3_value* value,
                                     const char* function);

}  // namespace dml::sql
