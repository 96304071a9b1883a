#pragma once

#include <cstdint>

#include "base/json.h"
#include "base/param_spec.h"

namespace dml::steps {

// A number of rows, or a share of them: min_frequency, min_df, max_df. In YAML an integer counts
// rows and a number with a point is a share of at most 1.0.
struct Frequency {
  double value = 0.0;
  bool is_share = false;

  // null: no rows.
  static Frequency FromJson(const Json& json);
  [[nodiscard]] double InRows(std::uint64_t rows) const {
    return is_share ? value * static_cast<double>(rows) : value;
  }

  static ParamSpec Spec(Json default_value);
};

}  // namespace dml::steps
