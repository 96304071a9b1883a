// What `preprocess:` names although it is no feature.

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>

#include "plugins/steps/training/training.h"
#include "plugins/table/sql/names_in.h"

namespace dml::steps {

namespace {

// What a column is, if it is no feature.
class ColumnRoles {
 public:
  explicit ColumnRoles(const TrainingParams& params) : params_(params) {}

  // "the target"; empty for others. Case counts, unless SQL names the column.
  template <typename IsSame>
  [[nodiscard]] std::string_view Of(const std::string& column, const IsSame& is_same) const {
    if (is_same(column, params_.target.name)) return "the target";
    if (is_same(column, params_.weight.name)) return "the weight";
    for (const plugins::ColumnName& dropped : params_.drop) {
      if (is_same(column, dropped.name)) return "dropped";
    }
    return {};
  }

  static std::string Message(std::string_view column, std::string_view role) {
    return fmt::format("'{}' is {}, and preprocess sees the features only", column, role);
  }

 private:
  const TrainingParams& params_;
};

// The columns that the expression of a filter names.
void CheckFilterColumns(const ColumnRoles& roles, const Json& filter, const std::string& at,
                        plugins::Problems& problems) {
  const auto where = filter.is_object() ? filter.find("where") : filter.end();
  if (!filter.is_object() || where == filter.end() || !where->is_string()) return;
  for (const sql::NameInText& named : sql::NamesIn(where->get_ref<const std::string&>())) {
    const std::string_view is = roles.Of(named.name, sql::IsSameName);
    if (is.empty()) continue;
    problems.Add({at + "/where", ColumnRoles::Message(named.name, is),
                  "put a step filter before this one: it chooses the rows to learn from, and is no "
                  "part of the model",
                  named.begin});
  }
}

}  // namespace

void CheckPreprocessColumns(const TrainingParams& params, plugins::Problems& problems) {
  const ColumnRoles roles(params);
  for (std::size_t i = 0; params.preprocess.is_array() && i < params.preprocess.size(); ++i) {
    const Json& transform = params.preprocess[i];
    if (!transform.is_object() || transform.size() != 1) continue;
    const std::string& name = transform.begin().key();
    if (name == "derive" || name == "rename") return;  // they make columns of any name
    const Json& own = transform.begin().value();
    if (name == "filter") {
      CheckFilterColumns(roles, own, fmt::format("/preprocess/{}/filter", i), problems);
      continue;
    }
    const auto columns = own.is_object() ? own.find("columns") : own.end();
    if (!own.is_object() || columns == own.end() || !columns->is_array()) continue;
    for (std::size_t c = 0; c < columns->size(); ++c) {
      if (!(*columns)[c].is_string()) continue;
      const auto column = (*columns)[c].get<std::string>();
      const std::string_view is = roles.Of(column, std::equal_to<>());
      if (is.empty()) continue;
      problems.Add(fmt::format("/preprocess/{}/{}/columns/{}", i, name, c),
                   ColumnRoles::Message(column, is),
                   fmt::format("leave it out here; to {}, put a step preprocess.{} before this one",
                               name == "drop_missing" ? "drop rows without a value in it"
                                                      : "change the column itself",
                               name));
    }
  }
}

}  // namespace dml::steps
