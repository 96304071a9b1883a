#include "plugins/table/sql/aggregates.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <string_view>
#include <vector>

#include "plugins/table/sql/number_argument.h"

namespace dml::sql {

namespace {

const char* NameOf(sqlite3_context* call) {
  return static_cast<const char*>(sqlite3_user_data(call));
}

// Running moments: Welford, "Note on a method for calculating corrected sums of squares and
// products", 1962. SQLite hands it out zeroed.
struct Moments {
  double count;
  double mean;
  double squares;  // of the distances to the mean
};

void MomentsStep(sqlite3_context* call, int, sqlite3_value** values) {
  const auto number = NumberArgument(call, values[0], NameOf(call));
  if (!number) return;
  auto& state = *static_cast<Moments*>(sqlite3_aggregate_context(call, sizeof(Moments)));
  state.count += 1;
  const double distance = number->real - state.mean;
  state.mean += distance / state.count;
  state.squares += distance * (number->real - state.mean);
}

template <bool kSample, bool kRoot>
void MomentsResult(sqlite3_context* call) {
  const auto& state = *static_cast<Moments*>(sqlite3_aggregate_context(call, sizeof(Moments)));
  const double divisor = kSample ? state.count - 1 : state.count;
  if (divisor <= 0) return sqlite3_result_null(call);
  const double variance = state.squares / divisor;
  sqlite3_result_double(call, kRoot ? std::sqrt(variance) : variance);
}

// The values of a group, on the heap because SQLite's block is only bytes.
struct Sample {
  std::vector<double>* values;
  double level;
};

double QuantileOf(std::vector<double>& values, double level) {
  const double position = static_cast<double>(values.size() - 1) * level;
  const auto below = static_cast<std::size_t>(std::floor(position));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  const double share = position - std::floor(position);
  if (share == 0) return *at;
  const double next = *std::min_element(at + 1, values.end());
  return *at == next ? next : *at + share * (next - *at);
}

void SampleStep(sqlite3_context* call, int count, sqlite3_value** values) {
  const auto number = NumberArgument(call, values[0], NameOf(call));
  if (!number) return;
  auto& state = *static_cast<Sample*>(sqlite3_aggregate_context(call, sizeof(Sample)));
  state.level = 0.5;
  if (count == 2) {
    state.level = sqlite3_value_double(values[1]);
    if (sqlite3_value_type(values[1]) == SQLITE_NULL || !(state.level >= 0 && state.level <= 1)) {
      return sqlite3_result_error(call, "quantile(x, q) takes a q from 0 to 1", -1);
    }
  }
  try {
    if (state.values == nullptr) state.values = new std::vector<double>();
    state.values->push_back(number->real);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(call);
  }
}

void SampleResult(sqlite3_context* call) {
  auto& state = *static_cast<Sample*>(sqlite3_aggregate_context(call, sizeof(Sample)));
  if (state.values == nullptr) return sqlite3_result_null(call);
  sqlite3_result_double(call, QuantileOf(*state.values, state.level));
  delete state.values;
  state.values = nullptr;
}

struct Kept {
  sqlite3_value* value;
};

template <bool kFirst>
void KeptStep(sqlite3_context* call, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  auto& state = *static_cast<Kept*>(sqlite3_aggregate_context(call, sizeof(Kept)));
  if (kFirst && state.value != nullptr) return;
  sqlite3_value_free(state.value);
  state.value = sqlite3_value_dup(values[0]);
}

void KeptResult(sqlite3_context* call) {
  auto& state = *static_cast<Kept*>(sqlite3_aggregate_context(call, sizeof(Kept)));
  if (state.value == nullptr) return sqlite3_result_null(call);
  sqlite3_result_value(call, state.value);
  sqlite3_value_free(state.value);
  state.value = nullptr;
}

struct AggregateFunction {
  const char* name;
  int arguments;
  void (*step)(sqlite3_context*, int, sqlite3_value**);
  void (*result)(sqlite3_context*);
};

constexpr AggregateFunction kAggregates[] = {
    {"var", 1, MomentsStep, MomentsResult<true, false>},
    {"stddev", 1, MomentsStep, MomentsResult<true, true>},
    {"var_pop", 1, MomentsStep, MomentsResult<false, false>},
    {"stddev_pop", 1, MomentsStep, MomentsResult<false, true>},
    {"median", 1, SampleStep, SampleResult},
    {"quantile", 2, SampleStep, SampleResult},
    {"first", 1, KeptStep<true>, KeptResult},
    {"last", 1, KeptStep<false>, KeptResult},
};

}  // namespace

Result<void> AddAggregates(sqlite3* db) {
  for (const AggregateFunction& aggregate : kAggregates) {
    const int code = sqlite3_create_function_v2(
        db, aggregate.name, aggregate.arguments,
        SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, const_cast<char*>(aggregate.name),
        nullptr, aggregate.step, aggregate.result, nullptr);
    if (code != SQLITE_OK) return Error::Environment("SQLite does not take a function");
  }
  return AddSums(db);
}

}  // namespace dml::sql
