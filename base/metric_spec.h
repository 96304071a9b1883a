#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace dml {

// A metric that a step type declares: steps that follow read it as ${steps.ID.metrics.NAME}.
struct MetricSpec {
  // Nested ones have dots. A star stands for any text, such as that of a class: "per_class.*.f1".
  std::string name;
  std::string doc;         // without a full stop
  std::string needs = {};  // the parameter without which it is not reported; empty: none
};

// Whether `path` is a metric of that name or pattern, or a mapping that holds some: "cv" of
// "cv.*".
[[nodiscard]] bool NamesMetric(std::string_view pattern, std::string_view path);

// Whether a step with such parameters may report it: false if what it needs is absent or false.
// Null stands for a value that is not known yet.
[[nodiscard]] bool MayReport(const MetricSpec& metric, const Json& params);

}  // namespace dml
