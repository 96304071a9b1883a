#include "orchestrator/state/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/disk_space.h"
#include "base/folder_owner.h"
#include "orchestrator/state/damage.h"
#include "orchestrator/state/lock_holder.h"

namespace dml::state {

namespace {

// Other processes read while one writes; no dml holds the write lock for longer than a commit, but
// a backup or a person with a shell of SQLite may.
constexpr int kBusyTimeoutMs = 10'000;
constexpr int kBusyPauseMs = 5;

// SQLite has one phrase for whatever goes wrong with a disk, and at a commit it does not keep what
// the system said. The last refusal is that one, if it is of a kind that nothing else leaves
// behind.
Error DiskFailure(const std::string& place, const std::string& detail, const std::string& rest,
                  int cause) {
  const auto failure = [&](const std::string& hint) {
    const std::string why = hint.empty() ? "" : " (" + std::generic_category().message(cause) + ")";
    const std::string look = "look at its file system: the system's log (dmesg), the mount, quotas";
    return Error::Environment(place + ": " + detail + why, (hint.empty() ? look : hint) + rest);
  };
  switch (cause) {
    case EFBIG:
      return failure("a limit on the size of files is in the way: see `ulimit -f`");
    case EDQUOT:
      return failure("the quota of the user is used up: free space");
    case EROFS:
      return failure("its file system can only be read: mount it anew");
    case EIO:
      return failure("the disk itself fails: see the system's log (dmesg)");
    default:
      return failure({});
  }
}

// What comes after the remedy. The daemon of schedules tries again by itself.
std::string WayOn(const std::string& path) {
  return path.ends_with("/schedule.db") ? "" : "; then `dml resume` goes on";
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// It was waited for: see kBusyTimeoutMs.
Error LockedOut(const std::string& path, const std::string& place) {
  const std::string holder = LockHolder(path);
  return Error::Environment(place + " is locked by another program" +
                                (holder.empty() ? "" : ": " + holder) + ", and has been for " +
                                std::to_string(kBusyTimeoutMs / 1000) + " s",
                            "end its transaction, or that program" + WayOn(path));
}

Error Failure(sqlite3* db, int code) {
  const int cause = errno;
  const char* file = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  const std::string path = file == nullptr ? std::string() : file;
  const std::string place = path.empty() ? "the store" : "the store '" + path + "'";
  const std::string detail = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  // Where its shared memory finds no room SQLite speaks of an error of the disk.
  const bool no_room =
      (code & 0xff) == SQLITE_FULL ||
      ((code & 0xff) == SQLITE_IOERR && cause != EDQUOT && !path.empty() && IsFull(FolderOf(path)));
  if (no_room) {
    return Error::Environment(place + " cannot grow: " + FullDisk(path),
                              FullDiskHint(path) + WayOn(path));
  }
  switch (code & 0xff) {
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return Error::Environment("cannot write " + place + ": " + detail,
                                "check its permissions, or choose another folder with --home");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DamagedStore(path, detail);
    case SQLITE_IOERR:
      return DiskFailure(place, detail, WayOn(path), cause);
    case SQLITE_CONSTRAINT:
      // Every row has one writer as long as nobody takes a lock away.
      return Error::Environment(place + " has been written by another dml meanwhile: " + detail,
                                "`dml ls` shows what goes on there" + WayOn(path));
    case SQLITE_BUSY:
      return LockedOut(path, place);
    default:
      return Error::Environment(place + ": " + detail);
  }
}

// Memory statistics would take a global mutex for every allocation, and nobody reads them.
void ConfigureOnce() {
  static const int status = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(status);
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_),
      statement_(std::exchange(other.statement_, nullptr)),
      next_parameter_(other.next_parameter_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Bind(std::int64_t value) {
  bind_error_ |= sqlite3_bind_int64(statement_, next_parameter_++, value);
  return *this;
}

Statement& Statement::Bind(std::string_view text) {
  bind_error_ |= sqlite3_bind_text(statement_, next_parameter_++, text.data(),
                                   static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::Bind(const Digest& digest) {
  // Digests are often temporaries, and small: let SQLite copy them.
  bind_error_ |= sqlite3_bind_blob(statement_, next_parameter_++, digest.bytes.data(),
                                   static_cast<int>(digest.bytes.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindNull() {
  bind_error_ |= sqlite3_bind_null(statement_, next_parameter_++);
  return *this;
}

Result<void> Statement::Run() {
  while (true) {
    DML_TRY(const bool row, Step());
    if (!row) return {};
  }
}

Result<bool> Statement::Step() {
  DML_CHECK(bind_error_ == SQLITE_OK, "the parameters fit the statement");
  errno = 0;  // see DiskFailure()
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  next_parameter_ = 1;
  sqlite3_reset(statement_);
  if (code == SQLITE_DONE) return false;
  return Failure(db_, code);
}

std::int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return text == nullptr ? std::string() : std::string(text, size);
}

Digest Statement::Hash(int column) const {
  Digest digest;
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  if (bytes != nullptr && size == digest.bytes.size()) {
    std::memcpy(digest.bytes.data(), bytes, size);
  }
  return digest;
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

namespace {

// What stands for a file in a URI of SQLite.
std::string Quoted(const std::string& path) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (c != '%' && c != '?' && c != '#') {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

// Where nothing can be written SQLite reads only what somebody else has open, or what it is told
// that nobody has: who closed the file last has left no log.
bool IsAtRest(const std::string& path) {
  std::error_code ignored;
  return ::access(FolderOf(path).c_str(), W_OK) != 0 && std::filesystem::exists(path, ignored) &&
         !std::filesystem::exists(path + "-wal", ignored);
}

}  // namespace

Result<Database> Database::Open(const std::string& path, OpenMode mode) {
  ConfigureOnce();
  sqlite3* raw = nullptr;
  const bool reads = mode == OpenMode::kReadOnly;
  const bool at_rest = reads && IsAtRest(path);
  const std::string name = at_rest ? "file:" + Quoted(path) + "?immutable=1" : path;
  const int flags = (reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    (at_rest ? SQLITE_OPEN_URI : 0);
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(raw);
  if (code != SQLITE_OK) return Failure(raw, code);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  if (mode == OpenMode::kReadWrite) {
    DML_RETURN_IF_ERROR(db.EnterWal());
    for (const char* file : {"", "-wal", "-shm"}) GiveToOwnerOfFolder(path + file);
    // Every commit reaches the disk before anything is built on it; see docs/durability.md.
    DML_RETURN_IF_ERROR(db.Execute("PRAGMA synchronous = FULL"));
    DML_RETURN_IF_ERROR(db.Execute("PRAGMA cache_size = -65536"));  // KiB
    // A checkpoint rewrites every page that changed since the last: rarely is cheaper.
    DML_RETURN_IF_ERROR(db.Execute("PRAGMA wal_autocheckpoint = 8000"));
  }
  return db;
}

// SQLite does not wait when another process is opening or closing the same file just then.
Result<void> Database::EnterWal() {
  const SystemClock clock;
  const Instant deadline = clock.Now() + Duration::Millis(kBusyTimeoutMs);
  while (true) {
    errno = 0;  // see DiskFailure()
    const int code = sqlite3_exec(db_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xff) != SQLITE_BUSY || clock.Now() >= deadline) return Failure(db_, code);
    sqlite3_sleep(kBusyPauseMs);
  }
}

Database::Database(Database&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(db_, other.db_);
  return *this;
}

Database::~Database() { sqlite3_close_v2(db_); }

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(db_, code);
  return Statement(db_, statement);
}

Result<void> Database::Execute(const std::string& sql) {
  errno = 0;  // see DiskFailure()
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Failure(db_, code);
  return {};
}

std::int64_t Database::LastInsertId() const { return sqlite3_last_insert_rowid(db_); }

bool IsDamage(const Error& error) {
  return error.kind == ErrorKind::kEnvironment && error.message.starts_with("the store") &&
         error.message.find(" is damaged: ") != std::string::npos;
}

Result<std::int64_t> VersionOf(Database& db) {
  DML_TRY(Statement statement, db.Prepare("PRAGMA user_version"));
  DML_RETURN_IF_ERROR(statement.Step());
  return statement.Int(0);
}

Result<Transaction> Transaction::Begin(Database& db) {
  DML_RETURN_IF_ERROR(db.Execute("BEGIN IMMEDIATE"));
  return Transaction(db);
}

Transaction::~Transaction() {
  if (db_ != nullptr) (void)db_->Execute("ROLLBACK");
}

// The system goes on writing to a file that nobody will find again.
Result<void> Database::CheckPlace() const {
  int moved = 0;
  if (sqlite3_file_control(db_, nullptr, SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK) return {};
  if (moved == 0) return {};
  return Error::Environment(
      std::string("the store '") + sqlite3_db_filename(db_, "main") +
          "' was removed, moved or replaced while it was in use",
      "finished outputs stay in store/blobs; put the file back, or run the pipeline again");
}

Result<void> Transaction::Commit() {
  DML_RETURN_IF_ERROR(db_->CheckPlace());
  DML_RETURN_IF_ERROR(db_->Execute("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace dml::state
