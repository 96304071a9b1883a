#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// What an unquoted word means: the YAML 1.2 core schema, minus its traps. `no`, `yes`, `on`, `off`
// are text. 012 and 1_000 and 12:30:45 are text too: YAML 1.1 and 1.2 disagree about their values.

std::optional<bool> AsBool(const Node& node);         // true | false, also True and TRUE
std::optional<std::int64_t> AsInt(const Node& node);  // 42, -3, 0x1f, 0o17
std::optional<double> AsFloat(const Node& node);      // also integers, 1e-3, .5; not .inf or .nan

// Why `node` was refused as a number or truth value, if a YAML trap is the likely reason; or "".
std::string ScalarTrap(const Node& node);

// The node as data: plain scalars by the rules above, everything else as it stands. References are
// left as text.
Json ToJson(const Node& node);

// A scalar as it was written, for insertion into text.
std::string ScalarText(const Node& node);

// "the text 'abc'", "the number 3", "a list": what was found, for messages.
std::string DescribeNode(const Node& node);

}  // namespace dml::pipelines
