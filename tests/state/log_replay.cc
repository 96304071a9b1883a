#include "tests/state/log_replay.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "orchestrator/core/task_state.h"
#include "orchestrator/state/database.h"

namespace dml::state {

namespace {

using core::TaskState;

struct Folded {
  TaskState state = TaskState::kBlocked;
  std::int64_t attempt = 0;
  std::int64_t changed_us = 0;
  std::string reason;
};

class Replay {
 public:
  explicit Replay(Database& db) : db_(db) {}

  Result<std::vector<std::string>> Run() {
    DML_RETURN_IF_ERROR(Fold());
    DML_RETURN_IF_ERROR(Compare());
    return std::move(complaints_);
  }

 private:
  using Key = std::pair<std::int64_t, std::int64_t>;  // run, task

  Result<void> Fold() {
    DML_TRY(Statement query,
            db_.Prepare("SELECT run, seq, task, attempt, from_state, to_state, at_us, reason "
                        "FROM events ORDER BY run, seq"));
    std::map<std::int64_t, std::int64_t> next;
    while (true) {
      DML_TRY(const bool row, query.Step());
      if (!row) return {};
      const Key key{query.Int(0), query.Int(2)};
      Complain(query.Int(1) != next[key.first]++, key, "the log has a gap");
      Move(key, query);
    }
  }

  void Move(const Key& key, const Statement& row) {
    Folded& task = folded_[key];
    const auto from = static_cast<TaskState>(row.Int(4));
    const auto to = static_cast<TaskState>(row.Int(5));
    Complain(from != task.state, key, "a move begins where the task is not");
    // States that a task was in for a moment, within one transaction, are not seen there.
    const auto through = [&](TaskState moment) {
      return core::CanMove(from, moment) && core::CanMove(moment, to);
    };
    const bool known = core::CanMove(from, to) || through(TaskState::kReady) ||
                       (to == TaskState::kSucceeded && through(TaskState::kCommitting));
    Complain(!known, key, "a move that is not in the table of states");
    Complain(row.Int(3) < task.attempt, key, "the number of attempts goes back");
    if (to == TaskState::kLaunching) {
      Complain(row.Int(3) != task.attempt + 1, key, "the numbers of attempts have a gap");
    }
    if (to == TaskState::kSucceeded) {
      Complain(row.Int(3) == committed_[key], key, "an attempt is committed twice");
      committed_[key] = row.Int(3);
    }
    task = {to, row.Int(3), row.Int(6), row.Text(7)};
  }

  Result<void> Compare() {
    DML_TRY(Statement query,
            db_.Prepare("SELECT run, task, state, attempt, reason, changed_us FROM tasks"));
    while (true) {
      DML_TRY(const bool row, query.Step());
      if (!row) return {};
      const Key key{query.Int(0), query.Int(1)};
      const Folded task = folded_[key];
      const bool moved = task.changed_us != 0;
      Complain(query.Int(2) != static_cast<std::int64_t>(task.state), key, "another state");
      Complain(query.Int(3) != task.attempt, key, "another attempt");
      Complain(query.Text(4) != task.reason, key, "another reason");
      Complain(moved && query.Int(5) != task.changed_us, key, "another time");
    }
  }

  void Complain(bool bad, const Key& key, const std::string& what) {
    if (bad) complaints_.push_back(fmt::format("r{} task {}: {}", key.first, key.second, what));
  }

  Database& db_;
  std::map<Key, Folded> folded_;
  std::map<Key, std::int64_t> committed_;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> ReplayLog(const std::string& database) {
  auto db = Database::Open(database, OpenMode::kReadOnly);
  if (!db.ok()) return {db.error().Render()};
  auto complaints = Replay(*db).Run();
  if (!complaints.ok()) return {complaints.error().Render()};
  return std::move(complaints).value();
}

}  // namespace dml::state
