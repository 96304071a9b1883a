#include "plugins/table/sql/table_module.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "plugins/table/sql/key_cells.h"
#include "plugins/table/sql/row_index.h"
#include "plugins/table/sql/time_text.h"
#include "plugins/table/sql/visible_columns.h"

namespace dml::sql {

namespace {

using table::Column;
using table::ColumnType;
using table::Field;

// The words decide what SQLite converts before it compares; the first tells the type back.
constexpr std::pair<ColumnType, const char*> kDeclarations[] = {
    {ColumnType::kFloat64, "DML_FLOAT64 REAL"},
    {ColumnType::kFloat32, "DML_FLOAT32 REAL"},
    {ColumnType::kInt64, "DML_INT64"},
    {ColumnType::kBool, "DML_BOOL INT"},
    {ColumnType::kTimestamp, "DML_TIMESTAMP TEXT"},
    {ColumnType::kCategory, "DML_CATEGORY TEXT"},
    {ColumnType::kString, "DML_STRING TEXT"},
};

// What the module knows of a table, for the life of the connection.
struct Source {
  RowSource rows;
  Connection* connection = nullptr;
  std::vector<std::string> names;  // of the visible columns, in order
  std::vector<ColumnType> types;
};

// An index of some columns and the rows it leads to.
struct Lookup {
  ResidentColumns keys;
  RowIndex index;
};

struct Module : sqlite3_vtab {
  Source* source = nullptr;
  std::map<std::string, Lookup> lookups;    // by idxStr's list of columns
  std::map<int, ResidentColumns> resident;  // by column, once a lookup wanted it
};

struct Cursor : sqlite3_vtab_cursor {
  std::vector<int> used;               // columns that the statement reads
  std::vector<const Column*> columns;  // by column: where the current row is; null if not used
  std::size_t row = 0;                 // in `columns`
  // A scan: the piece at hand.
  std::size_t piece = 0;
  table::Batch batch;
  std::uint64_t first_row = 0;
  // A lookup: the chain at hand.
  const Lookup* lookup = nullptr;
  std::uint32_t found = RowIndex::kNone;
  bool done = false;
};

Module& Of(sqlite3_vtab* base) { return *static_cast<Module*>(base); }
Cursor& Of(sqlite3_vtab_cursor* base) { return *static_cast<Cursor*>(base); }
Module& ModuleOf(Cursor& cursor) { return Of(cursor.pVtab); }

int Fail(const Module& module, Error error) {
  module.source->connection->Blame(std::move(error));
  return SQLITE_ERROR;
}

int Connect(sqlite3* db, void* data, int, const char* const*, sqlite3_vtab** out, char**) {
  auto& source = *static_cast<Source*>(data);
  std::string sql = "CREATE TABLE t(";
  for (std::size_t i = 0; i < source.names.size(); ++i) {
    for (const auto& [type, words] : kDeclarations) {
      if (type != source.types[i]) continue;
      sql += fmt::format("{}{} {}{}", i == 0 ? "" : ", ", QuoteName(source.names[i]), words,
                         type == ColumnType::kTimestamp ? std::string(" COLLATE ") + kTimeCollation
                                                        : std::string());
    }
  }
  if (const int code = sqlite3_declare_vtab(db, (sql + ")").c_str()); code != SQLITE_OK) {
    return code;
  }
  auto module = std::make_unique<Module>();
  module->source = &source;
  *out = module.release();
  return SQLITE_OK;
}

int Disconnect(sqlite3_vtab* base) {
  delete &Of(base);
  return SQLITE_OK;
}

// Whether a constraint `column = value` can be looked up: the value comes from another row, and
// equality is the one that the index knows.
bool IsLookup(const Module& module, sqlite3_index_info& info, int i) {
  const auto& constraint = info.aConstraint[i];
  if (module.source->rows.table() == nullptr || constraint.usable == 0 ||
      constraint.op != SQLITE_INDEX_CONSTRAINT_EQ || constraint.iColumn < 0) {
    return false;
  }
  sqlite3_value* known = nullptr;
  if (sqlite3_vtab_rhs_value(&info, i, &known) == SQLITE_OK || sqlite3_vtab_in(&info, i, -1) != 0) {
    return false;
  }
  const ColumnType type = module.source->types[static_cast<std::size_t>(constraint.iColumn)];
  const char* own = type == ColumnType::kTimestamp ? kTimeCollation : "BINARY";
  return std::strcmp(sqlite3_vtab_collation(&info, i), own) == 0;
}

int BestIndex(sqlite3_vtab* base, sqlite3_index_info* info) {
  constexpr int kKeyColumnsMax = 8;
  const Module& module = Of(base);
  std::vector<int> keys;
  for (int i = 0; i < info->nConstraint; ++i) {
    if (static_cast<int>(keys.size()) == kKeyColumnsMax || !IsLookup(module, *info, i)) continue;
    const int column = info->aConstraint[i].iColumn;
    if (std::ranges::find(keys, column) != keys.end()) continue;
    keys.push_back(column);
    info->aConstraintUsage[i].argvIndex = static_cast<int>(keys.size());
  }
  // "3,5,|0,1,3," are the columns of the key and the columns read.
  std::string plan;
  for (const int key : keys) plan += fmt::format("{},", key);
  plan += '|';
  for (std::size_t i = 0; i < module.source->names.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << std::min<std::size_t>(i, 63);
    if ((info->colUsed & bit) != 0) plan += fmt::format("{},", i);
  }
  const table::Table* table = module.source->rows.table();
  const double rows = table == nullptr ? 0 : static_cast<double>(table->rows());
  info->idxStr = sqlite3_mprintf("%s", plan.c_str());
  info->needToFreeIdxStr = 1;
  info->estimatedCost = keys.empty() ? rows + 1 : 8;
  info->estimatedRows = keys.empty() ? static_cast<sqlite3_int64>(rows) + 1 : 4;
  return info->idxStr == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int Open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = std::make_unique<Cursor>().release();
  return SQLITE_OK;
}

int Close(sqlite3_vtab_cursor* base) {
  delete &Of(base);
  return SQLITE_OK;
}

std::vector<int> Numbers(std::string_view list) {
  std::vector<int> out;
  int number = 0;
  for (const char c : list) {
    if (c == ',') {
      out.push_back(std::exchange(number, 0));
    } else {
      number = number * 10 + (c - '0');
    }
  }
  return out;
}

std::vector<std::string> NamesOf(const Source& source, const std::vector<int>& columns) {
  std::vector<std::string> names;
  for (const int column : columns) names.push_back(source.names[static_cast<std::size_t>(column)]);
  return names;
}

// The first row of the next piece that has one, or the end.
Result<void> Advance(Cursor& cursor) {
  const Source& source = *ModuleOf(cursor).source;
  const RowSource& rows = source.rows;
  while (cursor.piece < rows.pieces() && rows.piece_rows(cursor.piece) == 0) ++cursor.piece;
  cursor.done = cursor.piece >= rows.pieces();
  if (cursor.done) return {};
  if (cursor.used.empty()) {
    cursor.batch.rows = rows.piece_rows(cursor.piece);
    return {};
  }
  DML_TRY(cursor.batch, rows.Read(cursor.piece, NamesOf(source, cursor.used)));
  for (std::size_t i = 0; i < cursor.used.size(); ++i) {
    cursor.columns[static_cast<std::size_t>(cursor.used[i])] = &cursor.batch.columns[i];
  }
  return {};
}

// The hash of the values that SQL asks for; nothing if an index cannot answer.
struct Probe {
  bool empty = false;  // equal to nothing
  std::optional<std::uint64_t> hash;
};

Probe HashProbe(const Source& source, const std::vector<int>& keys, sqlite3_value** values) {
  std::uint64_t hash = kKeyHashSeed;
  bool known = true;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    sqlite3_value* value = values[i];
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) return {true, std::nullopt};
    std::uint64_t cell = 0;
    const auto text = [&] {
      const auto* begin = reinterpret_cast<const char*>(sqlite3_value_text(value));
      return std::string_view(begin == nullptr ? "" : begin,
                              static_cast<std::size_t>(sqlite3_value_bytes(value)));
    };
    const ColumnType column = source.types[static_cast<std::size_t>(keys[i])];
    if (column == ColumnType::kTimestamp) {
      const auto time = type == SQLITE_TEXT ? ReadTime(text()) : std::nullopt;
      if (!time) return {true, std::nullopt};
      cell = HashInteger(*time);
    } else if (column == ColumnType::kCategory || column == ColumnType::kString) {
      // A number compares with texts as numbers or as texts, depending on where it is from.
      known = known && type == SQLITE_TEXT;
      cell = HashText(text());
    } else {
      const int number = sqlite3_value_numeric_type(value);
      if (number != SQLITE_INTEGER && number != SQLITE_FLOAT) return {true, std::nullopt};
      cell = number == SQLITE_INTEGER ? HashInteger(sqlite3_value_int64(value))
                                      : HashNumber(sqlite3_value_double(value));
    }
    hash = CombineHash(hash, cell);
  }
  return {false, known ? std::optional(hash) : std::nullopt};
}

Result<const Lookup*> FindLookup(Module& module, const std::string& list) {
  const auto known = module.lookups.find(list);
  if (known != module.lookups.end()) return &known->second;
  const Source& source = *module.source;
  const ConnectionOptions& options = source.connection->options();
  DML_TRY(
      ResidentColumns keys,
      ResidentColumns::Read(*source.rows.table(), NamesOf(source, Numbers(list)), options.stop));
  DML_TRY(RowIndex index,
          RowIndex::Build(keys, RowIndex::Missing::kSkip,
                          {options.scratch_dir, options.memory_bytes, options.stop}));
  const auto added = module.lookups.emplace(list, Lookup{std::move(keys), std::move(index)});
  return &added.first->second;
}

// Points the columns at the row that a lookup found.
void PointAtFound(Cursor& cursor) {
  cursor.done = cursor.found == RowIndex::kNone;
  if (cursor.done) return;
  const ResidentColumns::Place place = cursor.lookup->keys.Find(cursor.found);
  cursor.row = place.row;
  auto& resident = ModuleOf(cursor).resident;
  for (const int column : cursor.used) {
    cursor.columns[static_cast<std::size_t>(column)] =
        &resident.find(column)->second.column(place.partition, 0);
  }
}

Result<void> Start(Cursor& cursor, const std::string& plan, sqlite3_value** values) {
  Module& module = ModuleOf(cursor);
  const Source& source = *module.source;
  const std::size_t bar = plan.find('|');
  const std::string key_list = plan.substr(0, bar);
  cursor.used = Numbers(std::string_view(plan).substr(bar + 1));
  cursor.columns.assign(source.names.size(), nullptr);
  cursor.lookup = nullptr;
  cursor.piece = 0;
  cursor.row = 0;
  cursor.first_row = source.rows.first_row();
  if (!key_list.empty()) {
    const Probe probe = HashProbe(source, Numbers(key_list), values);
    cursor.done = probe.empty;
    if (probe.empty) return {};
    if (probe.hash) {
      DML_TRY(cursor.lookup, FindLookup(module, key_list));
      for (const int column : cursor.used) {
        if (module.resident.contains(column)) continue;
        DML_TRY(ResidentColumns one,
                ResidentColumns::Read(*source.rows.table(), NamesOf(source, {column}),
                                      source.connection->options().stop));
        module.resident.emplace(column, std::move(one));
      }
      cursor.found = cursor.lookup->index.First(*probe.hash);
      PointAtFound(cursor);
      return {};
    }
  }
  return Advance(cursor);
}

int Filter(sqlite3_vtab_cursor* base, int, const char* plan, int, sqlite3_value** values) {
  Cursor& cursor = Of(base);
  auto started = Start(cursor, plan == nullptr ? "|" : plan, values);
  return started.ok() ? SQLITE_OK : Fail(ModuleOf(cursor), std::move(started).error());
}

int Next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = Of(base);
  if (cursor.lookup != nullptr) {
    cursor.found = cursor.lookup->index.Next(cursor.found);
    PointAtFound(cursor);
    return SQLITE_OK;
  }
  if (++cursor.row < cursor.batch.rows) return SQLITE_OK;
  cursor.row = 0;
  cursor.first_row += cursor.batch.rows;
  ++cursor.piece;
  auto advanced = Advance(cursor);
  return advanced.ok() ? SQLITE_OK : Fail(ModuleOf(cursor), std::move(advanced).error());
}

int Eof(sqlite3_vtab_cursor* base) { return Of(base).done ? 1 : 0; }

void ResultNumber(const Cursor& cursor, sqlite3_context* call, double number) {
  if (std::isinf(number)) {
    static_cast<Module*>(cursor.pVtab)->source->connection->NoteInfinity(true);
  }
  sqlite3_result_double(call, number);
}

// Texts lie in files and dictionaries that live as long as the connection: no copy is made.
void ResultText(sqlite3_context* call, std::string_view text) {
  sqlite3_result_text64(call, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
}

int ColumnValue(sqlite3_vtab_cursor* base, sqlite3_context* call, int i) {
  const Cursor& cursor = Of(base);
  const Column& column = *cursor.columns[static_cast<std::size_t>(i)];
  const std::size_t row = cursor.row;
  if (!column.IsValid(row)) return SQLITE_OK;
  switch (column.type()) {
    case ColumnType::kFloat64:
      ResultNumber(cursor, call, column.float64()[row]);
      break;
    case ColumnType::kFloat32:
      ResultNumber(cursor, call, static_cast<double>(column.float32()[row]));
      break;
    case ColumnType::kInt64:
      sqlite3_result_int64(call, column.int64()[row]);
      break;
    case ColumnType::kBool:
      sqlite3_result_int(call, column.bools()[row]);
      break;
    case ColumnType::kTimestamp: {
      TimeText room;
      const std::string_view text = WriteTime(column.int64()[row], room);
      sqlite3_result_text64(call, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
      break;
    }
    case ColumnType::kCategory:
    case ColumnType::kString:
      ResultText(call, column.string(row));
      break;
    case ColumnType::kSparse:
      break;
  }
  return SQLITE_OK;
}

int RowId(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  const Cursor& cursor = Of(base);
  const std::uint64_t row = cursor.lookup != nullptr ? cursor.found : cursor.first_row + cursor.row;
  *out = static_cast<sqlite3_int64>(row) + 1;
  return SQLITE_OK;
}

// Exceptions must not cross SQLite: what throws here is memory that is not there.
template <auto function>
struct Guarded;
template <typename... Arguments, int (*function)(Arguments...)>
struct Guarded<function> {
  static int Call(Arguments... arguments) {
    try {
      return function(arguments...);
    } catch (const std::bad_alloc&) {
      return SQLITE_NOMEM;
    }
  }
};

sqlite3_module MakeModule() {
  sqlite3_module module{};
  module.iVersion = 1;
  module.xConnect = Guarded<Connect>::Call;  // no xCreate: the table is there under its own name
  module.xBestIndex = Guarded<BestIndex>::Call;
  module.xDisconnect = Disconnect;
  module.xOpen = Guarded<Open>::Call;
  module.xClose = Close;
  module.xFilter = Guarded<Filter>::Call;
  module.xNext = Guarded<Next>::Call;
  module.xEof = Eof;
  module.xColumn = Guarded<ColumnValue>::Call;
  module.xRowid = RowId;
  return module;
}

// For messages: what may have been meant.
void DescribeTo(Connection& connection, const std::string& name, const table::Schema& schema) {
  std::vector<std::string> names;
  std::vector<Connection::Hidden> hidden;
  for (const Field& field : schema.fields) {
    if (field.type == ColumnType::kSparse) {
      hidden.push_back({field.name, "is sparse, which SQL cannot read"});
    } else {
      names.push_back(field.name);
    }
  }
  connection.Describe(name, std::move(names), std::move(hidden));
}

}  // namespace

Result<void> AddTable(Connection& connection, const std::string& name, const RowSource& rows,
                      std::string_view statement) {
  static const sqlite3_module module = MakeModule();
  DML_TRY(const table::Schema visible, VisibleColumns(rows.schema(), name, statement));
  auto kept = std::make_unique<Source>(Source{rows, &connection, {}, {}});
  for (const Field& field : visible.fields) {
    if (field.type == ColumnType::kSparse) continue;
    kept->names.push_back(field.name);
    kept->types.push_back(field.type);
  }
  if (kept->names.empty()) {
    return Error::Invalid(fmt::format("the table '{}' has no column that SQL can read", name));
  }
  for (std::size_t i = 0; i < kept->names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (sqlite3_stricmp(kept->names[i].c_str(), kept->names[j].c_str()) != 0) continue;
      return Error::Invalid(
          fmt::format("the columns '{}' and '{}' of the table '{}' differ in case only, which SQL "
                      "does not tell apart",
                      kept->names[j], kept->names[i], name),
          "rename one of them first");
    }
  }
  DescribeTo(connection, name, rows.schema());
  const int code =
      sqlite3_create_module_v2(connection.handle(), name.c_str(), &module, kept.release(),
                               [](void* data) { delete static_cast<Source*>(data); });
  if (code != SQLITE_OK) {
    return Error::Invalid(fmt::format("a table cannot be called '{}' in SQL", name));
  }
  return {};
}

std::optional<ColumnType> DeclaredType(const char* declaration) {
  if (declaration == nullptr) return std::nullopt;
  for (const auto& [type, words] : kDeclarations) {
    if (std::strcmp(declaration, words) == 0) return type;
  }
  return std::nullopt;
}

}  // namespace dml::sql
