#include "tests/steps/schema_checker.h"

#include <algorithm>
#include <regex>
#include <set>

namespace dml::steps {

namespace {

bool HasType(const Json& data, const std::string& type) {
  if (type == "object") return data.is_object();
  if (type == "array") return data.is_array();
  if (type == "string") return data.is_string();
  if (type == "boolean") return data.is_boolean();
  if (type == "null") return data.is_null();
  if (type == "number") return data.is_number();
  return type == "integer" && (data.is_number_integer() ||
                               (data.is_number_float() && data == Json(data.get<std::int64_t>())));
}

bool HasAnyType(const Json& data, const Json& types) {
  if (types.is_string()) return HasType(data, types);
  return std::ranges::any_of(types, [&](const Json& type) { return HasType(data, type); });
}

bool WithinBound(const Json& data, const std::string& keyword, const Json& bound) {
  if (keyword == "minItems") return !data.is_array() || data.size() >= bound;
  if (keyword == "maxItems") return !data.is_array() || data.size() <= bound;
  if (keyword == "minProperties") return !data.is_object() || data.size() >= bound;
  if (keyword == "maxProperties") return !data.is_object() || data.size() <= bound;
  if (!data.is_number()) return true;
  if (keyword == "minimum") return data >= bound;
  if (keyword == "maximum") return data <= bound;
  if (keyword == "exclusiveMinimum") return data > bound;
  return data < bound;
}

bool Matches(const Json& data, const std::string& pattern) {
  return !data.is_string() || std::regex_search(data.get<std::string>(), std::regex(pattern));
}

bool IsKnownProperty(const Json& schema, const std::string& name) {
  if (schema.contains("properties") && schema["properties"].contains(name)) return true;
  if (!schema.contains("patternProperties")) return false;
  return std::ranges::any_of(schema["patternProperties"].items(), [&](const auto& entry) {
    return std::regex_search(name, std::regex(entry.key()));
  });
}

}  // namespace

std::string SchemaChecker::Judge(const Json& schema, const Json& data,
                                 const std::string& at) const {
  for (const auto& [keyword, value] : schema.items()) {
    std::string fault = JudgeKeyword(schema, keyword, data, at);
    if (!fault.empty()) return fault;
  }
  return {};
}

std::string SchemaChecker::JudgeChoice(const Json& alternatives, const Json& data,
                                       const std::string& at, bool exactly_one) const {
  std::string first;
  int valid = 0;
  for (const Json& alternative : alternatives) {
    const std::string fault = Judge(alternative, data, at);
    if (fault.empty()) ++valid;
    if (first.empty()) first = fault;
  }
  if (exactly_one ? valid == 1 : valid > 0) return {};
  return at + ": none of the alternatives, such as " + first;
}

std::string SchemaChecker::JudgeObject(const Json& schema, const std::string& keyword,
                                       const Json& data, const std::string& at) const {
  if (!data.is_object()) return {};
  const Json& value = schema[keyword];
  for (const auto& [name, entry] : data.items()) {
    std::string fault;
    const std::string below = at + "/" + name;
    if (keyword == "properties" && value.contains(name)) fault = Judge(value[name], entry, below);
    if (keyword == "additionalProperties" && !IsKnownProperty(schema, name)) {
      fault = value == false      ? below + ": no such property"
              : value.is_object() ? Judge(value, entry, below)
                                  : "";
    }
    if (!fault.empty()) return fault;
  }
  return {};
}

std::string SchemaChecker::JudgeKeyword(const Json& schema, const std::string& keyword,
                                        const Json& data, const std::string& at) const {
  static const std::set<std::string> remarks{
      "$schema", "title", "definitions", "description", "default", "patternProperties", "then"};
  static const std::set<std::string> bounds{"minimum",          "maximum",      "exclusiveMinimum",
                                            "exclusiveMaximum", "minItems",     "maxItems",
                                            "minProperties",    "maxProperties"};
  const Json& value = schema[keyword];
  const std::string fault = at + ": " + keyword;
  if (remarks.contains(keyword)) return {};
  if (bounds.contains(keyword)) return WithinBound(data, keyword, value) ? "" : fault;
  if (keyword == "type") return HasAnyType(data, value) ? "" : fault;
  if (keyword == "enum") return std::ranges::find(value, data) != value.end() ? "" : fault;
  if (keyword == "const") return value == data ? "" : fault;
  if (keyword == "pattern") return Matches(data, value) ? "" : fault;
  if (keyword == "anyOf") return JudgeChoice(value, data, at, /*exactly_one=*/false);
  if (keyword == "oneOf") return JudgeChoice(value, data, at, /*exactly_one=*/true);
  if (keyword == "properties" || keyword == "additionalProperties") {
    return JudgeObject(schema, keyword, data, at);
  }
  if (keyword == "$ref") {
    const std::string name = value.get<std::string>().substr(std::string("#/definitions/").size());
    return Judge(root_["definitions"][name], data, at);
  }
  if (keyword == "if") return Judge(value, data, at).empty() ? Judge(schema["then"], data, at) : "";
  if (keyword == "required") {
    const bool all = std::ranges::all_of(
        value, [&](const Json& name) { return data.contains(name.get<std::string>()); });
    return !data.is_object() || all ? "" : fault;
  }
  if (keyword == "allOf" || keyword == "items") {
    const Json& many = keyword == "items" ? data : value;
    if (!many.is_array()) return {};
    for (const Json& each : many) {
      std::string found =
          keyword == "items" ? Judge(value, each, at + "/[]") : Judge(each, data, at);
      if (!found.empty()) return found;
    }
    return {};
  }
  return at + ": the schema has the unknown keyword '" + keyword + "'";
}

}  // namespace dml::steps
