#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>

#include "plugins/table/sql/aggregates.h"
#include "plugins/table/sql/number_argument.h"

namespace dml::sql {

namespace {

// SQLite aligns what it hands out to eight bytes; sixteen would let the compiler use instructions
// that fault on it.
__extension__ using Wide __attribute__((aligned(8))) = __int128;

// What is known of the values so far. SQLite hands it out zeroed and never destroys it. Infinities
// are counted, because a window takes values out again.
struct SumState {
  std::int64_t count;
  std::int64_t reals;
  Wide whole;
  double real;
  double lost;  // what the additions to `real` have rounded off
  std::int64_t plus_infinities;
  std::int64_t minus_infinities;

  void AddReal(double x) {
    const double sum = real + x;
    lost += std::abs(real) >= std::abs(x) ? (real - sum) + x : (x - sum) + real;
    real = sum;
  }
  void Change(const Number& number, int direction) {
    count += direction;
    if (number.whole) {
      whole += direction * static_cast<Wide>(number.integer);
      return;
    }
    reals += direction;
    if (std::isfinite(number.real)) return AddReal(direction * number.real);
    (number.real > 0 ? plus_infinities : minus_infinities) += direction;
  }
  [[nodiscard]] double Total() const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (plus_infinities > 0 && minus_infinities > 0) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (plus_infinities > 0) return kInfinity;
    if (minus_infinities > 0) return -kInfinity;
    SumState total = *this;
    total.AddReal(static_cast<double>(whole));
    return std::isfinite(total.real) ? total.real + total.lost : total.real;
  }
};

SumState* StateOf(sqlite3_context* call) {
  return static_cast<SumState*>(sqlite3_aggregate_context(call, sizeof(SumState)));
}

const char* NameOf(sqlite3_context* call) {
  return static_cast<const char*>(sqlite3_user_data(call));
}

void Step(sqlite3_context* call, int, sqlite3_value** values) {
  if (const auto number = NumberArgument(call, values[0], NameOf(call))) {
    StateOf(call)->Change(*number, 1);
  }
}

void Inverse(sqlite3_context* call, int, sqlite3_value** values) {
  if (const auto number = NumberArgument(call, values[0], NameOf(call))) {
    StateOf(call)->Change(*number, -1);
  }
}

void Sum(sqlite3_context* call) {
  const SumState& state = *StateOf(call);
  if (state.count == 0) return sqlite3_result_null(call);
  if (state.reals > 0) return sqlite3_result_double(call, state.Total());
  constexpr auto kMax = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
  if (state.whole > kMax || state.whole < -kMax - 1) {
    return sqlite3_result_error(call, "integer overflow", -1);
  }
  sqlite3_result_int64(call, static_cast<std::int64_t>(state.whole));
}

void Total(sqlite3_context* call) { sqlite3_result_double(call, StateOf(call)->Total()); }

void Average(sqlite3_context* call) {
  const SumState& state = *StateOf(call);
  if (state.count == 0) return sqlite3_result_null(call);
  sqlite3_result_double(call, state.Total() / static_cast<double>(state.count));
}

struct SumFunction {
  const char* name;
  void (*result)(sqlite3_context*);
};
constexpr SumFunction kSums[] = {{"sum", Sum}, {"total", Total}, {"avg", Average}};

}  // namespace

std::optional<Number> NumberArgument(sqlite3_context* call, sqlite3_value* value,
                                     const char* function) {
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER: {
      const long long integer = sqlite3_value_int64(value);
      return Number{true, integer, static_cast<double>(integer)};
    }
    case SQLITE_FLOAT:
      return Number{false, 0, sqlite3_value_double(value)};
    case SQLITE_NULL:
      return std::nullopt;
    default:
      break;
  }
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  const std::string shown(text == nullptr ? "" : text);
  const std::string message = fmt::format("{}() takes numbers, but found the text '{}{}'", function,
                                          shown.substr(0, 40), shown.size() > 40 ? "..." : "");
  sqlite3_result_error(call, message.c_str(), -1);
  return std::nullopt;
}

Result<void> AddSums(sqlite3* db) {
  for (const SumFunction& sum : kSums) {
    const int code = sqlite3_create_window_function(
        db, sum.name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
        const_cast<char*>(sum.name), Step, sum.result, sum.result, Inverse, nullptr);
    if (code != SQLITE_OK) return Error::Environment("SQLite does not take a function");
  }
  return {};
}

}  // namespace dml::sql
