#include "plugins/steps/transform/transform.h"

#include <set>

#include "plugins/steps/transform/numbers.h"

namespace dml::steps {

namespace {

bool Selects(const std::string& selector, table::ColumnType type) {
  using table::ColumnType;
  if (selector == "all") return true;
  if (selector == "categorical") return type == ColumnType::kCategory;
  if (selector == "text") return type == ColumnType::kString;
  return IsNumeric(type);
}

}  // namespace

Result<std::vector<std::string>> ResolveColumns(const plugins::Columns& columns,
                                                const table::Schema& schema) {
  if (columns.selector.empty()) {
    std::set<std::string> seen;
    for (const std::string& name : columns.names) {
      DML_RETURN_IF_ERROR(schema.Find(name));
      if (seen.insert(name).second) continue;
      return Error::Invalid("the column '" + name + "' is listed twice", "name it once");
    }
    return columns.names;
  }
  std::vector<std::string> names;
  for (const table::Field& field : schema.fields) {
    if (Selects(columns.selector, field.type)) names.push_back(field.name);
  }
  return names;
}

}  // namespace dml::steps
