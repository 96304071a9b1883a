#include "plugins/table/sql/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "plugins/table/sql/access_rules.h"
#include "plugins/table/sql/aggregates.h"
#include "plugins/table/sql/error_words.h"
#include "plugins/table/sql/logarithms.h"
#include "plugins/table/sql/scratch_vfs.h"
#include "plugins/table/sql/time_functions.h"
#include "plugins/table/sql/time_text.h"

namespace dml::sql {

namespace {

// Enough for any query that a person writes, little enough that none can exhaust the machine.
constexpr std::array<std::pair<int, int>, 8> kLimits{{
    {SQLITE_LIMIT_LENGTH, 256 << 20},     // bytes of a value or a row
    {SQLITE_LIMIT_SQL_LENGTH, 4 << 20},   // bytes
    {SQLITE_LIMIT_EXPR_DEPTH, 500},       // the parser's stack is the thread's
    {SQLITE_LIMIT_COMPOUND_SELECT, 200},  // UNION and the like
    {SQLITE_LIMIT_VDBE_OP, 10'000'000},   // instructions of a statement
    {SQLITE_LIMIT_ATTACHED, 0},           //
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10'000},
    {SQLITE_LIMIT_WORKER_THREADS, 0},  // one thread, one order of additions
}};
constexpr int kOperationsBetweenStops = 20'000;
constexpr std::int64_t kAssumedMemory = std::int64_t{256} << 20;

Error NoDatabase(const std::string& path, const std::string& reason) {
  return Error::Invalid(fmt::format("cannot read '{}' as a SQLite database: {}", path, reason));
}

}  // namespace

struct Connection::State {
  explicit State(ConnectionOptions with) : options(std::move(with)), rules(options.reach) {}

  ConnectionOptions options;
  std::unique_ptr<ScratchVfs> vfs;
  sqlite3* db = nullptr;
  AccessRules rules;
  std::vector<VisibleTable> tables;
  std::optional<Error> blamed;
  bool saw_infinity = false;
};

Result<std::unique_ptr<Connection>> Connection::Open(ConnectionOptions options) {
  auto state = std::make_unique<State>(std::move(options));
  DML_TRY(state->vfs, ScratchVfs::Register(state->options.scratch_dir, state->options.database));
  const std::string& database = state->options.database;
  const int mode = database.empty() ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                    : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  const std::string where = database.empty() ? ":memory:" : DatabaseUri(database);
  auto connection = std::unique_ptr<Connection>(new Connection(std::move(state)));
  State& own = *connection->state_;
  if (sqlite3_open_v2(where.c_str(), &own.db, mode | SQLITE_OPEN_NOMUTEX,
                      own.vfs->name().c_str()) != SQLITE_OK) {
    if (!database.empty()) return NoDatabase(database, sqlite3_errmsg(own.db));
    return Error::Environment(fmt::format("SQLite does not start: {}", sqlite3_errmsg(own.db)));
  }
  for (const auto& [limit, value] : kLimits) sqlite3_limit(own.db, limit, value);
  for (const int off :
       {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER,
        SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
        SQLITE_DBCONFIG_ENABLE_TRIGGER}) {
    sqlite3_db_config(own.db, off, 0, nullptr);
  }
  sqlite3_db_config(own.db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Local time is a property of the machine: SQLite then reports it as unavailable.
  sqlite3_test_control(SQLITE_TESTCTRL_LOCALTIME_FAULT, 1);
  const std::int64_t memory =
      own.options.memory_bytes > 0 ? own.options.memory_bytes : kAssumedMemory;
  const std::int64_t cache_kib = std::clamp<std::int64_t>(memory / 4 / 1024, 1024, 512 << 10);
  const std::string settings = fmt::format(
      "PRAGMA cache_size = -{}; PRAGMA temp_store = FILE; PRAGMA query_only = ON;", cache_kib);
  if (sqlite3_exec(own.db, settings.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    if (!database.empty()) return NoDatabase(database, sqlite3_errmsg(own.db));
    return Error::Environment(fmt::format("SQLite does not start: {}", sqlite3_errmsg(own.db)));
  }
  DML_RETURN_IF_ERROR(AddAggregates(own.db));
  DML_RETURN_IF_ERROR(AddLogarithms(own.db));
  DML_RETURN_IF_ERROR(AddTimeOrder(own.db));
  DML_RETURN_IF_ERROR(AddTimeFunctions(own.db));
  own.rules.Install(own.db);
  sqlite3_progress_handler(
      own.db, kOperationsBetweenStops,
      [](void* stop) { return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0; },
      &own.options.stop);
  return connection;
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}

Connection::~Connection() { sqlite3_close_v2(state_->db); }

sqlite3* Connection::handle() const { return state_->db; }

const ConnectionOptions& Connection::options() const { return state_->options; }

void Connection::Describe(std::string name, std::vector<std::string> columns,
                          std::vector<Hidden> hidden) {
  state_->tables.push_back({std::move(name), std::move(columns), std::move(hidden)});
}

void Connection::Blame(Error error) {
  if (!state_->blamed) state_->blamed = std::move(error);
}

void Connection::NoteInfinity(bool seen) { state_->saw_infinity = seen; }

bool Connection::saw_infinity() const { return state_->saw_infinity; }

Result<Statement> Connection::Prepare(SqlText text) {
  state_->rules.Begin();
  state_->blamed.reset();
  sqlite3_stmt* statement = nullptr;
  const std::string& sql = text.sql();
  DML_CHECK(sql.size() < static_cast<std::size_t>(std::numeric_limits<int>::max()),
            "generated SQL is short");
  const int code = sqlite3_prepare_v2(state_->db, sql.c_str(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return Explain(text);
  return Statement(*this, std::move(text), statement);
}

// The user's text that a message of SQLite is about, null if it is none.
struct Connection::Finding {
  const UserText* text = nullptr;
  Fault fault;
};

Error Connection::Explain(const SqlText& text) const {
  const int code = sqlite3_errcode(state_->db);
  if (state_->blamed) return *state_->blamed;
  if (code == SQLITE_INTERRUPT) return Error::Cancelled("stopped");
  const std::string message = sqlite3_errmsg(state_->db);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return NoDatabase(state_->options.database, message);
  }
  if (code == SQLITE_NOMEM) {
    return Error::Task("the query needs more memory than there is", "give the step more memory");
  }
  if (code == SQLITE_FULL || (code & 0xFF) == SQLITE_IOERR) {
    return Error::Environment(fmt::format("cannot keep temporary data in '{}': {}",
                                          state_->options.scratch_dir, message));
  }
  const Finding found = Judge(text, message);
  if (found.text != nullptr) return ErrorOf(*found.text, found.fault);
  const UserText whole{kWholeSql, text.texts().empty() ? text.sql() : std::string()};
  return ErrorIn(whole, message);
}

Connection::Finding Connection::Judge(const SqlText& text, const std::string& message) const {
  SqlText::Place place = text.Find(sqlite3_error_offset(state_->db));
  bool placed = place.text != nullptr;
  if (!placed && text.texts().size() == 1) {
    place.text = &text.texts().front();
    // What closes the user's text is ours.
    if (message == "near \")\": syntax error") {
      const std::vector<Token> tokens = Tokenize(place.text->sql);
      if (tokens.empty()) return {place.text, {"something is missing at the end"}};
      return {
          place.text,
          {"something is missing at the end", "", true, tokens.back().begin, tokens.back().end}};
    }
    // Of an unknown table SQLite does not say where it is written.
    const std::optional<std::size_t> at = FindTable(place.text->sql, message);
    placed = at.has_value();
    place.offset = at.value_or(0);
  }
  if (place.text == nullptr) return {};
  const Refusal& refusal = state_->rules.refusal();
  Words words{refusal.message, refusal.hint};
  if (refusal.empty()) {
    words = WordsFor(message, state_->db, state_->tables, state_->options.reach);
    state_->rules.Install(state_->db);  // which it had to set aside
  }
  Fault fault{std::move(words.message), std::move(words.hint), placed, place.offset, 0};
  if (placed) fault.end = EndOfTokens(place.text->sql, place.offset);
  return {place.text, std::move(fault)};
}

std::optional<Fault> Connection::FindFault(const SqlText& text) {
  state_->rules.Begin();
  sqlite3_stmt* statement = nullptr;
  const std::string& sql = text.sql();
  const int code = sqlite3_prepare_v2(state_->db, sql.c_str(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  sqlite3_finalize(statement);
  if (code == SQLITE_OK) return std::nullopt;
  Finding found = Judge(text, sqlite3_errmsg(state_->db));
  if (found.text == nullptr) return std::nullopt;
  return std::move(found.fault);
}

Result<void> Connection::AddEmptyTable(const std::string& name,
                                       const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + QuoteName(column);
  const std::string sql =
      fmt::format("PRAGMA query_only = OFF; CREATE TABLE {} ({}); PRAGMA query_only = ON;",
                  QuoteName(name), list.empty() ? "dml_nothing" : list);
  sqlite3_set_authorizer(state_->db, nullptr, nullptr);
  const int code = sqlite3_exec(state_->db, sql.c_str(), nullptr, nullptr, nullptr);
  state_->rules.Install(state_->db);
  if (code == SQLITE_OK) return {};
  return Error::Environment(fmt::format("SQLite refuses a table: {}", sqlite3_errmsg(state_->db)));
}

Statement::Statement(Connection& connection, SqlText text, sqlite3_stmt* statement)
    : connection_(connection),
      text_(std::make_unique<const SqlText>(std::move(text))),
      statement_(statement) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      text_(std::move(other.text_)),
      statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return connection_.Explain(*text_);
  if (connection_.state_->vfs->was_asked_for_time()) {
    const Error error = Error::Invalid("the current time is not available to SQL",
                                       "put a date in, such as '${schedule.time}'");
    if (text_->texts().size() != 1) return error;
    return ErrorIn(text_->texts().front(), error.message, error.hint);
  }
  return false;
}

void Statement::Reset() { sqlite3_reset(statement_); }

}  // namespace dml::sql
