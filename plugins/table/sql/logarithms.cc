#include "plugins/table/sql/logarithms.h"

#include <sqlite3.h>

#include <cmath>

namespace dml::sql {

namespace {

template <double (*kFunction)(double)>
void Logarithm(sqlite3_context* call, int, sqlite3_value** values) {
  const int type = sqlite3_value_numeric_type(values[0]);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return;
  const double x = sqlite3_value_double(values[0]);
  if (x > 0) sqlite3_result_double(call, kFunction(x));
}

struct Function {
  const char* name;
  void (*body)(sqlite3_context*, int, sqlite3_value**);
};
constexpr Function kFunctions[] = {{"log", Logarithm<std::log10>},
                                   {"log10", Logarithm<std::log10>},
                                   {"log2", Logarithm<std::log2>}};

}  // namespace

Result<void> AddLogarithms(sqlite3* db) {
  for (const Function& function : kFunctions) {
    const int code = sqlite3_create_function_v2(
        db, function.name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr,
        function.body, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return Error::Environment("SQLite does not take a function");
  }
  return {};
}

}  // namespace dml::sql
