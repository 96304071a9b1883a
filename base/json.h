#pragma once

#include <nlohmann/json.hpp>

namespace dml {

// Values that cross a border: parameters, metrics, headers, messages. Object keys are sorted, so
// dump() of equal values gives equal bytes: CanonicalJson is what cache keys hash.
using Json = nlohmann::json;

// Compact, sorted, shortest round-trip numbers. Invalid UTF-8 is replaced by U+FFFD.
inline std::string CanonicalJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dml
