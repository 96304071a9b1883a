#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plugins/api/params.h"
#include "plugins/api/step.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/query.h"
#include "plugins/table/sql/syntax_check.h"
#include "plugins/table/table.h"

namespace dml::steps {

// What the relational steps share.

// The table of an input port.
Result<table::Table> InputTable(const plugins::StepContext& context, std::string_view port);

// Scratch folder, memory and the request to stop, as SQL wants them.
[[nodiscard]] sql::ConnectionOptions SqlOptionsOf(const plugins::StepContext& context);

// {name: expression}, in the order in which they are written.
using ExpressionList = std::vector<std::pair<std::string, plugins::Expression>>;

struct NamedExpressions {
  std::vector<std::string> names;
  std::vector<sql::UserText> texts;
};
[[nodiscard]] NamedExpressions ExpressionsOf(const ExpressionList& columns);

// Judges SQL before anything runs: of the parameter `at`, or of all expressions of `columns:`.
void CheckSql(const plugins::Expression& text, sql::TextRole role, const std::string& at,
              plugins::Problems& problems);
void CheckColumns(const ExpressionList& columns, sql::TextRole role, plugins::Problems& problems);

// The columns that SQL names and a table with the columns `input` lacks: of the parameter `at`,
// whose value may be one that is not known yet, or of all expressions of `columns:`.
[[nodiscard]] std::vector<UnknownColumn> UnknownIn(const Json& text, sql::TextRole role,
                                                   const std::string& at,
                                                   const std::vector<std::string>& input);
[[nodiscard]] std::vector<UnknownColumn> UnknownInColumns(const Json& params, sql::TextRole role,
                                                          const std::vector<std::string>& input);

// kInvalid for a number that is compared with a text.
Result<void> RefuseTextComparisons(const std::vector<sql::UserText>& texts,
                                   const table::Schema& schema);

// Warnings of column names in single quotes, which are texts.
[[nodiscard]] std::vector<std::string> SuspectTexts(const std::vector<sql::UserText>& texts,
                                                    const table::Schema& schema);
void WarnOfSuspects(const std::vector<sql::UserText>& texts, const table::Schema& schema,
                    plugins::StepContext& context);

// Fills in the metrics "rows" and, if there are none, a warning.
void ReportRows(std::uint64_t rows, const std::string& why_none, plugins::StepContext& context);

inline constexpr char kTypesDoc[] =
    "types of columns of the result, instead of what their values tell";

}  // namespace dml::steps
