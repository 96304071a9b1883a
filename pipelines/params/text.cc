#include "pipelines/params/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/quantity.h"

namespace dml::pipelines {

namespace {

std::string Bound(const ParamSpec& spec, double value) {
  if (spec.type == ParamType::kDuration) {
    return FormatDuration({static_cast<std::int64_t>(value)});
  }
  if (spec.type == ParamType::kSize) return FormatSize(static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

// " >= 0", " in (0, 1]", or "".
std::string Range(const ParamSpec& spec) {
  const bool has_unit = spec.type == ParamType::kDuration || spec.type == ParamType::kSize;
  if (has_unit && !spec.maximum && spec.minimum.value_or(0) <= 1) return {};
  if (spec.minimum && spec.maximum) {
    return fmt::format(" in {}{}, {}{}", spec.minimum_exclusive ? '(' : '[',
                       Bound(spec, *spec.minimum), Bound(spec, *spec.maximum),
                       spec.maximum_exclusive ? ')' : ']');
  }
  if (spec.minimum) {
    return fmt::format(" {} {}", spec.minimum_exclusive ? ">" : ">=", Bound(spec, *spec.minimum));
  }
  if (spec.maximum) {
    return fmt::format(" {} {}", spec.maximum_exclusive ? "<" : "<=", Bound(spec, *spec.maximum));
  }
  return {};
}

std::string Alternatives(const ParamSpec& spec) {
  std::string out;
  for (const ParamSpec& element : spec.element) {
    if (!out.empty()) out += " or ";
    out += DescribeExpected(element);
  }
  return out;
}

}  // namespace

std::string DescribeExpected(const ParamSpec& spec) {
  switch (spec.type) {
    case ParamType::kBool:
      return "true or false";
    case ParamType::kInt:
      return "an integer" + Range(spec);
    case ParamType::kFloat:
      return "a number" + Range(spec);
    case ParamType::kString:
      return "text";
    case ParamType::kEnum:
      return spec.choices.size() == 1 ? spec.choices[0]
                                      : fmt::format("one of {}", fmt::join(spec.choices, ", "));
    case ParamType::kDuration:
      return "a duration such as 30s" + Range(spec);
    case ParamType::kSize:
      return "a size such as 512Mi" + Range(spec);
    case ParamType::kPath:
    case ParamType::kOutputPath:
      return "a path";
    case ParamType::kColumn:
      return "a column name";
    case ParamType::kColumns:
      return "a list of column names, or one of numeric, categorical, text, all";
    case ParamType::kExpression:
      return "an expression";
    case ParamType::kList:
      return spec.element.empty() ? "a list"
                                  : "a list, each element " + DescribeExpected(spec.element[0]);
    case ParamType::kMap:
      return spec.element.empty() ? "a mapping"
                                  : "a mapping, each value " + DescribeExpected(spec.element[0]);
    case ParamType::kObject:
      return "a mapping";
    case ParamType::kOneOf:
      return Alternatives(spec);
    case ParamType::kTransforms:
      return "a list of transforms such as - standardize: {columns: numeric}";
    case ParamType::kAny:
      return "any value";
  }
  DML_UNREACHABLE("every parameter type has a description");
}

std::string TypeName(const ParamSpec& spec) {
  switch (spec.type) {
    case ParamType::kBool:
      return "bool";
    case ParamType::kInt:
      return "int";
    case ParamType::kFloat:
      return "float";
    case ParamType::kString:
      return "text";
    case ParamType::kEnum:
      return fmt::format("{}", fmt::join(spec.choices, " | "));
    case ParamType::kDuration:
      return "duration";
    case ParamType::kSize:
      return "size";
    case ParamType::kPath:
      return "path";
    case ParamType::kOutputPath:
      return "output path";
    case ParamType::kColumn:
      return "column";
    case ParamType::kColumns:
      return "columns";
    case ParamType::kExpression:
      return "expression";
    case ParamType::kList:
      return spec.element.empty() ? "list" : "list of " + TypeName(spec.element[0]);
    case ParamType::kMap:
      return spec.element.empty() ? "mapping" : "mapping to " + TypeName(spec.element[0]);
    case ParamType::kObject:
      return "mapping";
    case ParamType::kOneOf: {
      std::string out;
      for (const ParamSpec& element : spec.element) {
        out += (out.empty() ? "" : " | ") + TypeName(element);
      }
      return out;
    }
    case ParamType::kTransforms:
      return "transforms";
    case ParamType::kAny:
      return "any";
  }
  DML_UNREACHABLE("every parameter type has a name");
}

std::string DefaultText(const ParamSpec& spec) {
  const Json& value = spec.default_value;
  if (value.is_null()) return {};
  if (spec.type == ParamType::kDuration && value.is_number_integer()) {
    return FormatDuration({value.get<std::int64_t>()});
  }
  if (spec.type == ParamType::kSize && value.is_number_integer()) {
    return FormatSize(value.get<std::int64_t>());
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace dml::pipelines
