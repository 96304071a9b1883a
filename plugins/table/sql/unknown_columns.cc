#include "plugins/table/sql/unknown_columns.h"

#include <algorithm>
#include <utility>

#include "plugins/table/schema.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/visible_columns.h"

namespace dml::sql {

namespace {

constexpr char kOnlyTable[] = "data";
// More of them in one expression have one cause, which the first ones tell.
constexpr std::size_t kUnknownMax = 10;

// What SQLite has against the text over a table of these columns, in words that know the true ones.
std::optional<Fault> FaultOver(std::string_view sql, TextRole role,
                               const std::vector<std::string>& columns,
                               const std::vector<std::string>& truth) {
  ConnectionOptions options;
  options.reach = role == TextRole::kRowExpression ? Reach::kRow : Reach::kTable;
  const auto connection = Connection::Open(std::move(options));
  if (!connection.ok() || !(*connection)->AddEmptyTable(kOnlyTable, columns).ok())
    return std::nullopt;
  (*connection)->Describe(kOnlyTable, truth, {});
  return (*connection)->FindFault(StatementOf(sql, role));
}

// The column that a fault says is not there; empty for any other fault.
std::string MissingColumn(const Fault& fault) {
  constexpr std::string_view kBegin = "there is no column '";
  if (!fault.message.starts_with(kBegin)) return {};
  return fault.message.substr(kBegin.size(), fault.message.size() - kBegin.size() - 1);
}

// Of many columns those that SQLite would be shown; none if it would be shown nothing.
std::vector<std::string> Visible(const std::vector<std::string>& columns, std::string_view sql) {
  table::Schema schema;
  for (const std::string& name : columns) {
    schema.fields.push_back({name, table::ColumnType::kFloat64});
  }
  const auto visible = VisibleColumns(schema, kOnlyTable, sql);
  return visible.ok() ? visible->Names() : std::vector<std::string>();
}

}  // namespace

std::vector<UnknownName> FindUnknownColumns(std::string_view sql, TextRole role,
                                            const std::vector<std::string>& columns) {
  std::vector<UnknownName> found;
  std::vector<std::string> known = Visible(columns, sql);
  if (known.empty()) return found;
  while (found.size() < kUnknownMax) {
    const std::optional<Fault> fault = FaultOver(sql, role, known, columns);
    std::string name = fault ? MissingColumn(*fault) : std::string();
    if (name.empty()) break;
    UnknownName& unknown = found.emplace_back();
    if (fault->placed) unknown.begin = fault->begin;
    if (!fault->hint.starts_with("the columns are: ")) unknown.meant = fault->hint;
    unknown.name = name;
    // As if it were there, SQLite goes on to the next one.
    if (name.starts_with("data.")) name.erase(0, 5);
    if (std::ranges::find(known, name) != known.end()) break;
    known.push_back(std::move(name));
  }
  return found;
}

}  // namespace dml::sql
