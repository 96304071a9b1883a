#include "plugins/table/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/name_list.h"
#include "base/suggest.h"

namespace dml::table {

namespace {

constexpr std::array<std::pair<ColumnType, std::string_view>, 8> kNames{{
    {ColumnType::kFloat64, "float64"},
    {ColumnType::kFloat32, "float32"},
    {ColumnType::kInt64, "int64"},
    {ColumnType::kBool, "bool"},
    {ColumnType::kTimestamp, "timestamp"},
    {ColumnType::kCategory, "category"},
    {ColumnType::kString, "string"},
    {ColumnType::kSparse, "sparse"},
}};

Result<Field> FieldFromJson(const Json& json) {
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string() ||
      !json.contains("type") || !json["type"].is_string()) {
    return Error::Invalid("a column of the schema lacks its name or type");
  }
  Field field{json["name"].get<std::string>(), ColumnType::kFloat64, 1};
  DML_TRY(field.type, ParseColumnType(json["type"].get<std::string>()));
  if (json.contains("width")) {
    const Json& width = json["width"];
    if (!width.is_number_unsigned() || width.get<std::uint64_t>() > INT32_MAX) {
      return Error::Invalid(fmt::format("column '{}' has a malformed width", field.name));
    }
    field.width = width.get<std::int64_t>();
  }
  return field;
}

}  // namespace

std::string_view ColumnTypeName(ColumnType type) {
  for (const auto& [candidate, name] : kNames) {
    if (candidate == type) return name;
  }
  DML_UNREACHABLE("a column type has a name");
}

Result<ColumnType> ParseColumnType(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [type, candidate] : kNames) {
    if (candidate == name) return type;
    names.emplace_back(candidate);
  }
  return Error::Invalid(fmt::format("unknown column type '{}'; {}", name, DidYouMean(name, names)),
                        fmt::format("the types are {}", fmt::join(names, ", ")));
}

int Schema::IndexOf(std::string_view name) const {
  // Columns are mostly asked for in their order. Looking on from the last one found makes a walk by
  // name over ten thousand of them ten thousand steps, not fifty million.
  thread_local std::size_t last = 0;
  const std::size_t begin = last < fields.size() ? last : 0;
  for (std::size_t step = 0, i = begin; step < fields.size(); ++step, ++i) {
    if (i == fields.size()) i = 0;
    if (fields[i].name != name) continue;
    last = i;
    return static_cast<int>(i);
  }
  return -1;
}

Result<std::size_t> Schema::Find(std::string_view name) const {
  const int index = IndexOf(name);
  if (index >= 0) return static_cast<std::size_t>(index);
  const std::vector<std::string> names = Names();
  const std::string nearest = DidYouMean(name, names);
  return Error::Invalid(
      fmt::format("there is no column '{}'{}{}", name, nearest.empty() ? "" : "; ", nearest),
      "the columns are: " + NameList(names));
}

std::vector<std::string> Schema::Names() const {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

Json Schema::ToJson() const {
  Json json = Json::array();
  for (const Field& field : fields) {
    Json item{{"name", field.name}, {"type", ColumnTypeName(field.type)}};
    if (field.width != 1) item["width"] = field.width;
    json.push_back(std::move(item));
  }
  return json;
}

Result<Schema> Schema::FromJson(const Json& json) {
  if (!json.is_array()) return Error::Invalid("a schema is a list of columns");
  Schema schema;
  std::set<std::string> seen;
  for (const Json& item : json) {
    DML_TRY(Field field, FieldFromJson(item));
    if (!seen.insert(field.name).second) {
      return Error::Invalid(fmt::format("the schema has two columns '{}'", field.name));
    }
    schema.fields.push_back(std::move(field));
  }
  return schema;
}

}  // namespace dml::table
