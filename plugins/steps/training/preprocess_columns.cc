// What `preprocess:` names although it is no feature.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/steps/training/training.h"
#include "plugins/table/sql/names_in.h"

namespace dml::steps {

namespace {

constexpr std::string_view kTheTarget = "the target";

// What a column is, if it is no feature.
class ColumnRoles {
 public:
  explicit ColumnRoles(const TrainingParams& params) : params_(params) {}

  // "the target"; empty for others. Case counts, unless SQL names the column.
  template <typename IsSame>
  [[nodiscard]] std::string_view Of(const std::string& column, const IsSame& is_same) const {
    const auto same = [&](const std::string& name) { return is_same(column, name); };
    if (std::ranges::any_of(made_, same)) return {};
    if (is_same(column, params_.target.name)) return kTheTarget;
    if (is_same(column, params_.weight.name)) return "the weight";
    for (const plugins::ColumnName& dropped : params_.drop) {
      if (is_same(column, dropped.name)) return "dropped";
    }
    return {};
  }

  // Columns that `derive` and `rename` make are features, whatever they are called.
  void MakeFeatures(std::string_view transform, const Json& columns) {
    if (transform == "derive" && columns.is_array()) {
      for (const Json& column : columns) {
        if (column.is_array() && !column.empty() && column[0].is_string())
          made_.push_back(column[0]);
      }
    }
    if (transform != "rename" || !columns.is_object()) return;
    for (const Json& name : columns) {
      if (name.is_string()) made_.push_back(name);
    }
  }

  static std::string Message(std::string_view column, std::string_view role) {
    return fmt::format("'{}' is {}, and preprocess sees the features only", column, role);
  }

 private:
  const TrainingParams& params_;
  std::vector<std::string> made_;
};

// The parameter `name` of a transform; null if it is not there.
const Json& ParamOf(const Json& transform, const char* name) {
  static const Json kNone;
  if (!transform.is_object()) return kNone;
  const auto found = transform.find(name);
  return found == transform.end() ? kNone : *found;
}

std::string Remedy(const std::string& transform, std::string_view role) {
  if (transform == "filter") {
    return "put a step filter before this one: it chooses the rows to learn from, and is no part "
           "of the model";
  }
  if (role == kTheTarget) return "leave it out: where the model predicts, there is none";
  return "leave it out here; a step derive before this one sees all columns";
}

// The columns that an expression names.
void CheckExpressionColumns(const ColumnRoles& roles, const std::string& transform,
                            const Json& text, const std::string& at, plugins::Problems& problems) {
  if (!text.is_string()) return;
  for (const sql::NameInText& named : sql::NamesIn(text.get_ref<const std::string&>())) {
    const std::string_view is = roles.Of(named.name, sql::IsSameName);
    if (is.empty()) continue;
    problems.Add({at, ColumnRoles::Message(named.name, is), Remedy(transform, is), named.begin});
  }
}

// Of `columns:`, be it a list or {old name: new name}; selectors name none.
void CheckListedColumns(const ColumnRoles& roles, const std::string& transform, const Json& columns,
                        const std::string& at, plugins::Problems& problems) {
  const Json::json_pointer list(at);
  const auto check = [&](const std::string& column, const Json::json_pointer& place) {
    const std::string_view is = roles.Of(column, std::equal_to<>());
    if (is.empty()) return;
    problems.Add(place.to_string(), ColumnRoles::Message(column, is),
                 fmt::format("leave it out here; to {}, put a step preprocess.{} before this one",
                             transform == "drop_missing" ? "drop rows without a value in it"
                                                         : "change the column itself",
                             transform));
  };
  if (columns.is_object()) {
    for (const auto& [column, value] : columns.items()) check(column, list / column / "");
  }
  for (std::size_t i = 0; columns.is_array() && i < columns.size(); ++i) {
    if (columns[i].is_string()) check(columns[i].get<std::string>(), list / i);
  }
}

}  // namespace

void CheckPreprocessColumns(const TrainingParams& params, plugins::Problems& problems) {
  ColumnRoles roles(params);
  for (std::size_t i = 0; params.preprocess.is_array() && i < params.preprocess.size(); ++i) {
    const Json& transform = params.preprocess[i];
    if (!transform.is_object() || transform.size() != 1) continue;
    const std::string& name = transform.begin().key();
    const Json& own = transform.begin().value();
    const Json& columns = ParamOf(own, "columns");
    const std::string at = fmt::format("/preprocess/{}/{}", i, name);
    if (name == "filter") {
      CheckExpressionColumns(roles, name, ParamOf(own, "where"), at + "/where", problems);
    } else if (name == "derive") {
      for (std::size_t c = 0; columns.is_array() && c < columns.size(); ++c) {
        if (!columns[c].is_array() || columns[c].size() != 2) continue;
        CheckExpressionColumns(roles, name, columns[c][1], fmt::format("{}/columns/{}/1", at, c),
                               problems);
      }
    } else {
      CheckListedColumns(roles, name, columns, at + "/columns", problems);
    }
    roles.MakeFeatures(name, columns);
  }
}

}  // namespace dml::steps
