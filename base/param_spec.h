#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace dml {

// What a parameter accepts in YAML, and the Json that reaches the step once it is bound.
enum class ParamType {
  kBool,        // true | false
  kInt,         // 64-bit integer
  kFloat,       // finite number; integers are accepted and become floats
  kString,      // text
  kEnum,        // one of `choices`
  kDuration,    // "30s" -> integer nanoseconds
  kSize,        // "512Mi" -> integer bytes
  kPath,        // input file(s), globs allowed, relative to the pipeline file -> absolute text
  kOutputPath,  // a file the step writes outside the store -> absolute text
  kColumn,      // one column name
  kColumns,     // a list of names, or one of the selectors numeric, categorical, text, all
  kExpression,  // a SQL expression over columns
  kList,        // list of `element[0]`
  kMap,         // mapping from free keys to `element[0]`
  kObject,      // mapping with exactly the keys of `element`
  kOneOf,       // the first of `element` that fits, such as max_features: sqrt | 3 | 0.5
  kTransforms,  // list of {transform-name: {its parameters}}
  kAny,         // any YAML value
};

// The declaration of one parameter: the single source of validation, JSON Schema, `dml steps`,
// completion and the reference page. Plain data.
struct ParamSpec {
  std::string name;
  ParamType type = ParamType::kAny;
  std::string doc;                // one sentence, without a full stop
  bool required = false;          // no default; absence is an error
  Json default_value;             // null means: absent unless given
  std::optional<double> minimum;  // for kInt, kFloat, kDuration, kSize and list lengths
  std::optional<double> maximum;
  bool minimum_exclusive = false;
  bool maximum_exclusive = false;
  std::vector<std::string> choices;  // for kEnum
  std::vector<ParamSpec> element;    // see ParamType
  bool ordered = false;  // a kMap whose order matters is bound as a list of [key, value]
};

}  // namespace dml
