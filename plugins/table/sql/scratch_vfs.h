#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct sqlite3_vfs;

namespace dml::sql {

// The file system that one SQLite connection sees: temporary files inside `scratch_dir`, at most
// one database to read, and nothing else. It has no clock either, because a result that depends on
// the time of day could not be reused: asking for it fails and is remembered. One owner, one
// thread; must outlive its connection.
class ScratchVfs {
 public:
  // Makes the folder, or none for "": then nothing may be written. `database` is the absolute path
  // of the file that may be read; "" for none.
  static Result<std::unique_ptr<ScratchVfs>> Register(std::string scratch_dir,
                                                      std::string database = {});
  ~ScratchVfs();
  ScratchVfs(const ScratchVfs&) = delete;
  ScratchVfs& operator=(const ScratchVfs&) = delete;

  // What sqlite3_open_v2() is told.
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] bool was_asked_for_time() const;

 private:
  struct State;
  explicit ScratchVfs(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dml::sql
