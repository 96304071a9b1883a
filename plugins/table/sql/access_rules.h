#pragma once

#include <string>

#include "plugins/table/sql/connection.h"

namespace dml::sql {

// What a statement was refused while it was being prepared.
struct Refusal {
  std::string message;
  std::string hint;
  [[nodiscard]] bool empty() const { return message.empty(); }
};

// The judge of one connection: SQLite asks it about every table, column and function that a
// statement names. The address is what SQLite keeps.
class AccessRules {
 public:
  explicit AccessRules(Reach reach) : reach_(reach) {}
  AccessRules(const AccessRules&) = delete;
  AccessRules& operator=(const AccessRules&) = delete;

  // For every statement from now on.
  void Install(sqlite3* db);
  // Before a statement is prepared.
  void Begin();
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

 private:
  int Judge(int action, const char* first, const char* second);
  int JudgeFunction(const std::string& name);
  int Refuse(std::string message, std::string hint);

  Reach reach_;
  int selects_ = 0;
  Refusal refusal_;
};

}  // namespace dml::sql
