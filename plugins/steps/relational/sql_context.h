#pragma once

#include <map>
#include <string>
#include <vector>

#include "plugins/api/params.h"
#include "plugins/api/step.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/query.h"
#include "plugins/table/table.h"

namespace dml::steps {

// What the relational steps share.

// The table of an input port.
Result<table::Table> InputTable(const plugins::StepContext& context, std::string_view port);

// Scratch folder, memory and the request to stop, as SQL wants them.
[[nodiscard]] sql::ConnectionOptions SqlOptionsOf(const plugins::StepContext& context);

// The expressions of a mapping {name: expression}, in the order of the names.
struct NamedExpressions {
  std::vector<std::string> names;
  std::vector<sql::UserText> texts;
};
[[nodiscard]] NamedExpressions ExpressionsOf(
    const std::map<std::string, plugins::Expression>& columns);

// Warns of column names in single quotes, which are texts.
void WarnOfSuspects(const std::vector<sql::UserText>& texts, const table::Schema& schema,
                    plugins::StepContext& context);

// Fills in the metrics "rows" and, if there are none, a warning.
void ReportRows(std::uint64_t rows, const std::string& why_none, plugins::StepContext& context);

inline constexpr char kTypesDoc[] =
    "types of columns of the result, instead of what their values tell";

}  // namespace dml::steps
