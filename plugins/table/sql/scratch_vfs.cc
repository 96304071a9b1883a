#include "plugins/table/sql/scratch_vfs.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <deque>

#include "base/files.h"

namespace dml::sql {

struct ScratchVfs::State {
  std::string scratch_dir;
  std::string database;
  std::string name;
  std::deque<std::string> names;  // of temporary files: SQLite keeps pointers to them
  bool asked_for_time = false;
  sqlite3_vfs* base = nullptr;
  sqlite3_vfs vfs{};

  static State& Of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }
};

namespace {

// SQLite's file names end in two zero bytes, so that parameters could follow them.
std::string WithTwoZeros(const std::string& path) { return path + '\0'; }

}  // namespace

Result<std::unique_ptr<ScratchVfs>> ScratchVfs::Register(std::string scratch_dir,
                                                         std::string database) {
  static std::atomic<std::uint64_t> next_number{0};
  if (!scratch_dir.empty()) DML_RETURN_IF_ERROR(MakeDirectories(scratch_dir));
  auto state = std::make_unique<State>();
  state->base = sqlite3_vfs_find(nullptr);
  DML_CHECK(state->base != nullptr, "SQLite has a default file system");
  const std::uint64_t number = next_number++;
  state->name = fmt::format("dml-scratch-{}", number);
  state->scratch_dir = fmt::format("{}/sqlite-{}", scratch_dir, number);
  if (!database.empty()) {
    // As SQLite will call it: without symbolic links.
    std::string full(static_cast<std::size_t>(state->base->mxPathname) + 1, '\0');
    if (state->base->xFullPathname(state->base, database.c_str(), state->base->mxPathname + 1,
                                   full.data()) == SQLITE_CANTOPEN) {
      return Error::Invalid(fmt::format("there is no file '{}'", database));
    }
    full.resize(std::strlen(full.c_str()));
    state->database = std::move(full);
  }

  sqlite3_vfs& vfs = state->vfs;
  vfs = *state->base;
  vfs.iVersion = 1;
  vfs.pNext = nullptr;
  vfs.zName = state->name.c_str();
  vfs.pAppData = state.get();
  vfs.xOpen = [](sqlite3_vfs* self, const char* path, sqlite3_file* file, int flags, int* out) {
    State& own = State::Of(self);
    if (path == nullptr) {
      const std::size_t serial = own.names.size();
      own.names.push_back(WithTwoZeros(fmt::format("{}-{}.tmp", own.scratch_dir, serial)));
      path = own.names.back().c_str();
    } else if (own.database.empty() || own.database != path ||
               (flags & SQLITE_OPEN_READONLY) == 0) {
      return SQLITE_CANTOPEN;
    }
    return own.base->xOpen(own.base, path, file, flags, out);
  };
  vfs.xDelete = [](sqlite3_vfs*, const char*, int) { return SQLITE_IOERR_DELETE; };
  vfs.xAccess = [](sqlite3_vfs* self, const char* path, int flags, int* out) {
    State& own = State::Of(self);
    *out = 0;
    if (own.database.empty()) return SQLITE_OK;
    return own.base->xAccess(own.base, path, flags, out);
  };
  vfs.xFullPathname = [](sqlite3_vfs* self, const char* path, int size, char* out) {
    State& own = State::Of(self);
    return own.base->xFullPathname(own.base, path, size, out);
  };
  vfs.xDlOpen = [](sqlite3_vfs*, const char*) -> void* { return nullptr; };
  vfs.xCurrentTime = [](sqlite3_vfs* self, double*) {
    State::Of(self).asked_for_time = true;
    return SQLITE_ERROR;
  };
  if (sqlite3_vfs_register(&vfs, /*makeDflt=*/0) != SQLITE_OK) {
    return Error::Environment("SQLite did not accept its file system");
  }
  return std::unique_ptr<ScratchVfs>(new ScratchVfs(std::move(state)));
}

ScratchVfs::ScratchVfs(std::unique_ptr<State> state) : state_(std::move(state)) {}

ScratchVfs::~ScratchVfs() { sqlite3_vfs_unregister(&state_->vfs); }

const std::string& ScratchVfs::name() const { return state_->name; }

bool ScratchVfs::was_asked_for_time() const { return state_->asked_for_time; }

}  // namespace dml::sql
