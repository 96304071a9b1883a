#pragma once

#include <string>

#include "base/param_spec.h"

namespace dml::pipelines {

// What a parameter accepts, for messages and the reference: "a number >= 0", "sqrt | log2".
std::string DescribeExpected(const ParamSpec& spec);

// The name of a type for a table: "float", "list of int".
std::string TypeName(const ParamSpec& spec);

// "0.1", "1h", "512Mi", "[a, b]": a default as a user would write it; "" for none.
std::string DefaultText(const ParamSpec& spec);

}  // namespace dml::pipelines
