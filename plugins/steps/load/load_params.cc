#include "plugins/steps/load/load_params.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/expand_glob.h"
#include "base/node_param.h"

namespace dml::steps {

namespace {

ParamSpec OneOf(std::vector<ParamSpec> alternatives) {
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.element = std::move(alternatives);
  return spec;
}

}  // namespace

ParamSpec PathsSpec() {
  ParamSpec path;
  path.type = ParamType::kPath;
  ParamSpec list;
  list.type = ParamType::kList;
  list.element = {path};
  list.minimum = 1;
  return OneOf({path, list});
}

Result<std::vector<std::string>> PathsOf(const Json& paths) {
  if (paths.is_string()) return ExpandGlob(paths.get<std::string>());
  std::vector<std::string> out;
  for (const Json& path : paths) {
    DML_TRY(const std::vector<std::string> found, ExpandGlob(path.get<std::string>()));
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

plugins::StepType FromAnyNode(plugins::StepType type) {
  ParamSpec node;
  node.name = kNodeParam;
  node.type = ParamType::kString;
  node.doc =
      "node of the cluster that has the files and reads them; relative paths start at the home "
      "folder there";
  type.spec.params.push_back(std::move(node));
  return type;
}

ParamSpec ColumnTypesSpec() {
  ParamSpec type;
  type.type = ParamType::kEnum;
  type.choices = {"float64", "float32", "int64", "bool", "timestamp", "category", "string"};
  ParamSpec spec;
  spec.type = ParamType::kMap;
  spec.element = {type};
  return spec;
}

Result<std::map<std::string, table::ColumnType>> ColumnTypesOf(const Json& types) {
  std::map<std::string, table::ColumnType> out;
  for (const auto& [column, name] : types.items()) {
    DML_TRY(out[column], table::ParseColumnType(name.get<std::string>()));
  }
  return out;
}

ParamSpec ColumnNamesSpec() {
  ParamSpec name;
  name.type = ParamType::kString;
  ParamSpec spec;
  spec.type = ParamType::kList;
  spec.element = {name};
  return spec;
}

ParamSpec PartitionsSpec() {
  ParamSpec automatic;
  automatic.type = ParamType::kEnum;
  automatic.choices = {"auto"};
  ParamSpec count;
  count.type = ParamType::kInt;
  count.minimum = 1;
  count.maximum = static_cast<double>(table::kPartitionsMax);
  ParamSpec size;
  size.type = ParamType::kString;  // kSize would turn it into a number, which means a count
  ParamSpec spec = OneOf({automatic, count, size});
  spec.default_value = "auto";
  return spec;
}

void CheckPartitions(const Json& partitions, plugins::Problems& problems) {
  const auto parsed = PartitioningOf(partitions);
  if (!parsed.ok()) problems.Add("/partitions", parsed.error());
}

void CheckNames(const std::string& at, const std::vector<std::string>& names,
                plugins::Problems& problems) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (seen.insert(names[i]).second) continue;
    problems.Add(fmt::format("{}/{}", at, i),
                 fmt::format("the column name '{}' is given twice", names[i]), "name it once");
  }
}

Result<table::Partitioning> PartitioningOf(const Json& partitions) {
  return table::Partitioning::Parse(partitions.is_string() ? partitions.get<std::string>()
                                                           : partitions.dump());
}

}  // namespace dml::steps
