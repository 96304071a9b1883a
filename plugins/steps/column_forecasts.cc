#include "plugins/steps/column_forecasts.h"

#include <algorithm>

namespace dml::steps {

namespace {

// The names that are listed under `columns:`; nothing for a selector, whose meaning hangs on types,
// or a value that is not known.
ColumnNames Listed(const Json& params) {
  const auto columns = params.find("columns");
  if (columns == params.end() || !columns->is_array()) return std::nullopt;
  std::vector<std::string> names;
  for (const Json& name : *columns) {
    if (!name.is_string()) return std::nullopt;
    names.push_back(name);
  }
  return names;
}

bool IsAmong(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

ColumnNames SameColumns(const Json&, const std::vector<std::string>& input) { return input; }

ColumnNames SelectedColumns(const Json& params, const std::vector<std::string>&) {
  return Listed(params);
}

ColumnNames WithoutColumns(const Json& params, const std::vector<std::string>& input) {
  const ColumnNames gone = Listed(params);
  if (!gone) return std::nullopt;
  std::vector<std::string> left;
  for (const std::string& name : input) {
    if (!IsAmong(*gone, name)) left.push_back(name);
  }
  return left;
}

ColumnNames RenamedColumns(const Json& params, const std::vector<std::string>& input) {
  const auto columns = params.find("columns");
  if (columns == params.end() || !columns->is_object()) return std::nullopt;
  std::vector<std::string> names;
  for (const std::string& name : input) {
    const auto found = columns->find(name);
    if (found != columns->end() && !found->is_string()) return std::nullopt;
    names.push_back(found == columns->end() ? name : found->get<std::string>());
  }
  return names;
}

// An ordered mapping is bound as a list of [name, expression].
ColumnNames WithNewColumns(const Json& params, const std::vector<std::string>& input) {
  const auto columns = params.find("columns");
  if (columns == params.end() || !columns->is_array()) return std::nullopt;
  std::vector<std::string> names = input;
  for (const Json& entry : *columns) {
    if (!entry.is_array() || entry.empty() || !entry[0].is_string()) return std::nullopt;
    const auto name = entry[0].get<std::string>();
    if (!IsAmong(names, name)) names.push_back(name);
  }
  return names;
}

std::vector<UnknownColumn> UnknownKeys(const Json& params, const std::vector<std::string>& input) {
  std::vector<UnknownColumn> found;
  const auto columns = params.find("columns");
  if (columns == params.end() || !columns->is_object()) return found;
  for (const auto& [name, value] : columns->items()) {
    if (IsAmong(input, name)) continue;
    // To the key, not to its value.
    found.push_back({(Json::json_pointer("/columns") / name / "").to_string(), name});
  }
  return found;
}

}  // namespace dml::steps
