#include "plugins/table/sql/access_rules.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace dml::sql {

namespace {

// Functions whose result is not a function of the data.
constexpr std::array<std::string_view, 2> kRandom{"random", "randomblob"};
// Functions that reach out of the query or tell of this build of SQLite.
constexpr std::array<std::string_view, 14> kOutside{"changes",
                                                    "edit",
                                                    "fts3_tokenizer",
                                                    "last_insert_rowid",
                                                    "load_extension",
                                                    "readfile",
                                                    "sqlite_log",
                                                    "sqlite_offset",
                                                    "sqlite_source_id",
                                                    "sqlite_version",
                                                    "writefile",
                                                    "total_changes",
                                                    "sqlite_compileoption_get",
                                                    "sqlite_compileoption_used"};

// Tables that tell of the connection instead of the data.
constexpr std::array<std::string_view, 4> kInsights{"bytecode", "dbstat", "sqlite_stmt",
                                                    "tables_used"};

}  // namespace

void AccessRules::Install(sqlite3* db) {
  sqlite3_set_authorizer(
      db,
      [](void* self, int action, const char* first, const char* second, const char*, const char*) {
        return static_cast<AccessRules*>(self)->Judge(action, first, second);
      },
      this);
}

void AccessRules::Begin() {
  selects_ = 0;
  refusal_ = {};
}

int AccessRules::Judge(int action, const char* first, const char* second) {
  // What SQLite asks when a virtual table declares its columns. A statement that does it in earnest
  // is refused by SQLite, whose catalogue is not writable.
  const bool catalogue = first != nullptr && std::string_view(first) == "sqlite_master";
  if (catalogue && (action == SQLITE_UPDATE || action == SQLITE_READ)) return SQLITE_OK;
  switch (action) {
    case SQLITE_SELECT:
      if (reach_ == Reach::kTable || ++selects_ == 1) return SQLITE_OK;
      return Refuse("there is a SELECT inside, but this step sees one row at a time",
                    "use aggregate, join or query.sql for what needs other rows");
    case SQLITE_READ:
      if (first != nullptr &&
          std::ranges::find(kInsights, std::string_view(first)) != kInsights.end()) {
        return Refuse(fmt::format("there is no table '{}' here", first), "");
      }
      if (reach_ == Reach::kTable || second == nullptr || std::string_view(second) != "ROWID") {
        return SQLITE_OK;
      }
      return Refuse("the row number is not known here: this step sees one row at a time",
                    "use query.sql, where rowid counts from 1");
    case SQLITE_FUNCTION:
      return JudgeFunction(second == nullptr ? "" : second);
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    default:
      break;
  }
  if (action == SQLITE_PRAGMA) {
    return Refuse(fmt::format("PRAGMA {} is not allowed here", first == nullptr ? "" : first),
                  "write a SELECT");
  }
  return Refuse("only SELECT is allowed here", "a query reads tables; it changes nothing");
}

int AccessRules::JudgeFunction(const std::string& name) {
  std::string lower = name;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (std::ranges::find(kRandom, lower) != kRandom.end()) {
    return Refuse(fmt::format("{}() would give another result in every run", lower),
                  "use the step sample, which takes a seed");
  }
  if (std::ranges::find(kOutside, lower) != kOutside.end()) {
    return Refuse(fmt::format("{}() is not available here", lower),
                  "an expression depends on the data alone");
  }
  return SQLITE_OK;
}

int AccessRules::Refuse(std::string message, std::string hint) {
  if (refusal_.empty()) refusal_ = {std::move(message), std::move(hint)};
  return SQLITE_DENY;
}

}  // namespace dml::sql
