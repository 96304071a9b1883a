#pragma once

#include <string>

namespace dml::state {

// Another process that keeps a SQLite database from being written: "process 42 (sqlite3)". Empty if
// nobody does any more, or it cannot be told, such as on another machine of a network share.
[[nodiscard]] std::string LockHolder(const std::string& database);

}  // namespace dml::state
