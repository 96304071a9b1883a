#include "pipelines/help/schema.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "pipelines/expand/settings.h"
#include "pipelines/params/text.h"

namespace dml::pipelines {

namespace {

Json Ref(const std::string& name) { return {{"$ref", "#/definitions/" + name}}; }

Json OrReference(Json schema) {
  return {{"anyOf", Json::array({std::move(schema), Ref("reference")})}};
}

void AddBounds(const ParamSpec& spec, Json& schema) {
  if (spec.minimum) {
    schema[spec.minimum_exclusive ? "exclusiveMinimum" : "minimum"] = *spec.minimum;
  }
  if (spec.maximum) {
    schema[spec.maximum_exclusive ? "exclusiveMaximum" : "maximum"] = *spec.maximum;
  }
}

Json ElementSchema(const ParamSpec& spec);
Json ObjectSchema(const std::vector<ParamSpec>& specs);

Json ColumnsSchema() {
  const Json selector{{"enum", Json::array({"numeric", "categorical", "text", "all"})}};
  const Json names{{"type", "array"}, {"items", Ref("text")}};
  return {{"anyOf", Json::array({selector, names, Json{{"type", "string"}}})}};
}

// A word that YAML reads as a truth value may stand without quotes.
Json EnumSchema(const std::vector<std::string>& choices) {
  Json values(choices);
  for (const std::string& choice : choices) {
    if (choice == "true" || choice == "false") values.push_back(choice == "true");
  }
  return {{"enum", std::move(values)}};
}

Json OrNull(Json schema) {
  schema["type"] = Json::array({schema["type"], "null"});
  return schema;
}

Json TypeSchema(const ParamSpec& spec) {
  switch (spec.type) {
    case ParamType::kBool:
      return {{"type", "boolean"}};
    case ParamType::kInt:
    case ParamType::kFloat: {
      Json out{{"type", spec.type == ParamType::kInt ? "integer" : "number"}};
      AddBounds(spec, out);
      return out;
    }
    case ParamType::kEnum:
      return EnumSchema(spec.choices);
    case ParamType::kDuration:
      return {{"type", "string"}, {"pattern", "^([0-9.]+(ms|us|s|m|h|d))+$"}};
    case ParamType::kSize:
      return {{"type", Json::array({"string", "integer"})}};
    case ParamType::kString:
    case ParamType::kPath:
    case ParamType::kOutputPath:
    case ParamType::kColumn:
    case ParamType::kExpression:
      return Ref("text");
    case ParamType::kColumns:
      return ColumnsSchema();
    case ParamType::kList: {
      Json list{{"type", "array"}, {"items", ElementSchema(spec)}};
      if (spec.minimum) list["minItems"] = static_cast<std::int64_t>(*spec.minimum);
      if (spec.maximum) list["maxItems"] = static_cast<std::int64_t>(*spec.maximum);
      return {{"anyOf", Json::array({std::move(list), Ref("text")})}};
    }
    case ParamType::kMap:
      return {{"type", "object"}, {"additionalProperties", ElementSchema(spec)}};
    case ParamType::kObject:
      return ObjectSchema(spec.element);
    case ParamType::kOneOf: {
      Json any = Json::array();
      for (const ParamSpec& alternative : spec.element) any.push_back(TypeSchema(alternative));
      return {{"anyOf", std::move(any)}};
    }
    case ParamType::kTransforms:
      return Ref("transforms");
    case ParamType::kAny:
      return Json::object();
  }
  DML_UNREACHABLE("every parameter type has a schema");
}

Json ElementSchema(const ParamSpec& spec) {
  return spec.element.empty() ? Json::object() : OrReference(TypeSchema(spec.element[0]));
}

Json ParamSchema(const ParamSpec& spec) {
  Json out = OrReference(TypeSchema(spec));
  if (!spec.required && spec.default_value.is_null()) {
    out["anyOf"].push_back({{"type", "null"}});
  }
  out["description"] = spec.doc + ". Takes " + DescribeExpected(spec) + ".";
  const bool as_written = spec.type != ParamType::kDuration && spec.type != ParamType::kSize;
  if (!spec.default_value.is_null()) {
    out["default"] = as_written ? spec.default_value : Json(DefaultText(spec));
  }
  return out;
}

Json ObjectSchema(const std::vector<ParamSpec>& specs) {
  Json out{{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const ParamSpec& spec : specs) {
    out["properties"][spec.name] = ParamSchema(spec);
    if (spec.required) required.push_back(spec.name);
  }
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

Json TransformsSchema(const StepCatalog& catalog) {
  Json properties = Json::object();
  Json names = Json::array();
  for (const TransformSpec& transform : catalog.transforms) {
    Json params = ObjectSchema(transform.params);
    params["description"] = transform.summary;
    properties[transform.name] =
        params.contains("required") ? std::move(params) : OrNull(std::move(params));
    names.push_back(transform.name);
  }
  const Json with_params{{"type", "object"},
                         {"properties", std::move(properties)},
                         {"additionalProperties", false},
                         {"minProperties", 1},
                         {"maxProperties", 1}};
  const Json item{{"anyOf", Json::array({with_params, Json{{"enum", names}}})}};
  return {{"type", "array"}, {"items", item}};
}

Json Described(Json schema, const std::string& text) {
  schema["description"] = text;
  return schema;
}

void AddSettings(Json& properties) {
  for (const ParamSpec& spec : SettingSpecs()) {
    Json schema = ParamSchema(spec);
    if (spec.name == "retry") schema["anyOf"].push_back({{"type", "integer"}, {"minimum", 0}});
    properties[spec.name] = std::move(schema);
  }
}

Json StepProperties(const StepCatalog& catalog) {
  Json names = Json::array();
  for (const StepSpec& step : catalog.steps) names.push_back(step.name);
  const Json object{{"type", "object"}};
  Json out{
      {"id", {{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_-]*$"}}},
      {"name", Described({{"type", Json::array({"string", "number", "boolean", "null"})}},
                         "A label for people")},
      {"uses", Described({{"enum", std::move(names)}}, "The step type: see dml steps")},
      {"run", Described(Ref("command"), "A command: a list of arguments, or text for /bin/sh")},
      {"with", Described(OrNull(object), "The parameters of the step type")},
      {"input", Described(Ref("input"), "The data: STEP, STEP.OUTPUT, a list, or {port: STEP}")},
      {"needs", Described(Ref("names"), "Steps that must be done before, without data")},
      {"if", Described({{"type", Json::array({"string", "boolean"})}}, "Run only if this holds")},
      {"matrix", Described(object, "One task for each combination of these values")},
      {"foreach", Described({{"type", Json::array({"array", "string"})}},
                            "One task for each element, which is ${item}")},
      {"env", Described(object, "Environment variables")},
      {"outputs", Described(object, "Of a run step: {port: relative path}")},
      {"inputs", Described(object, "Of a run step: {port: relative path of the link}")},
      {"code", Described(Ref("names"), "Of a run step: files whose content decides reuse")}};
  AddSettings(out);
  return out;
}

Json StepSchema(const StepCatalog& catalog) {
  Json out{{"type", "object"},
           {"required", Json::array({"id"})},
           {"additionalProperties", false},
           {"properties", StepProperties(catalog)},
           {"oneOf", Json::array({Json{{"required", Json::array({"uses"})}},
                                  Json{{"required", Json::array({"run"})}}})}};
  Json all = Json::array();
  for (const StepSpec& step : catalog.steps) {
    Json with = ObjectSchema(step.params);
    const bool required = with.contains("required");
    Json then{{"properties", {{"with", required ? std::move(with) : OrNull(std::move(with))}}}};
    if (required) then["required"] = Json::array({"with"});
    const Json condition{{"properties", {{"uses", {{"const", step.name}}}}},
                         {"required", Json::array({"uses"})}};
    all.push_back({{"if", condition}, {"then", std::move(then)}});
  }
  if (!all.empty()) out["allOf"] = std::move(all);
  return out;
}

Json Definitions(const StepCatalog& catalog) {
  const Json text{{"type", Json::array({"string", "number", "boolean"})}};
  const Json names{{"anyOf", Json::array({text, Json{{"type", "array"}, {"items", text}}})}};
  const Json port_map{{"type", "object"}, {"additionalProperties", Ref("names")}};
  return {
      {"reference", {{"type", "string"}, {"pattern", "\\$\\{"}}},
      {"text", text},
      {"names", names},
      {"command", names},
      {"input", {{"anyOf", Json::array({Ref("names"), port_map})}}},
      {"transforms", TransformsSchema(catalog)},
      {"hook",
       {{"anyOf", Json::array({ObjectSchema(HookSpecs()),
                               Json{{"type", "array"}, {"items", ObjectSchema(HookSpecs())}}})}}},
      {"step", StepSchema(catalog)}};
}

Json IncludeSchema() {
  const Json entry{
      {"type", "object"},
      {"required", Json::array({"file"})},
      {"additionalProperties", false},
      {"properties", {{"file", Ref("text")}, {"as", Ref("text")}, {"with", {{"type", "object"}}}}}};
  const Json one{{"anyOf", Json::array({Ref("text"), entry})}};
  return {{"anyOf", Json::array({one, Json{{"type", "array"}, {"items", one}}})}};
}

}  // namespace

Json MakeSchema(const StepCatalog& catalog) {
  Json defaults{{"type", "object"},
                {"additionalProperties", false},
                {"properties", {{"env", {{"type", "object"}}}}}};
  AddSettings(defaults["properties"]);
  const Json hooks{{"type", "object"},
                   {"additionalProperties", false},
                   {"properties",
                    {{"success", Ref("hook")}, {"failure", Ref("hook")}, {"finish", Ref("hook")}}}};
  const Json nullable_object = OrNull({{"type", "object"}});
  return {
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"title", "dml pipeline"},
      {"type", "object"},
      {"additionalProperties", false},
      {"patternProperties", {{"^x-", Json::object()}}},
      {"properties",
       {{"name", Ref("text")},
        {"description", {{"type", Json::array({"string", "number", "boolean", "null"})}}},
        {"params", Described(nullable_object, "Values for ${params.NAME}; set with -S")},
        {"defaults",
         Described(OrNull(std::move(defaults)), "Settings for every step of this file")},
        {"include", Described(IncludeSchema(), "Steps of other files")},
        {"schedule", Described(OrNull(ObjectSchema(ScheduleSpecs())), "When it runs by itself")},
        {"on", Described(hooks, "Commands to run when the pipeline ends")},
        {"env", Described(nullable_object, "Environment variables of every step")},
        {"steps", {{"type", "array"}, {"items", Ref("step")}}}}},
      {"definitions", Definitions(catalog)}};
}

}  // namespace dml::pipelines
