#include "orchestrator/core/task_state.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace dml::core {
namespace {

TEST(TaskState, FinalStatesAreLeftOnlyForTheBeginning) {
  for (const Transition& move : Transitions()) {
    EXPECT_TRUE(!IsFinal(move.from) || move.to == TaskState::kBlocked) << TaskStateName(move.from);
    EXPECT_NE(move.from, move.to);
  }
}

TEST(TaskState, EveryStateCanBeReachedAndLeft) {
  std::set<TaskState> reached{TaskState::kBlocked};
  std::set<TaskState> left;
  for (const Transition& move : Transitions()) {
    reached.insert(move.to);
    left.insert(move.from);
  }
  EXPECT_EQ(reached.size(), kTaskStateCount);
  EXPECT_EQ(left.size(), kTaskStateCount);
}

// docs/states.md lists each move as a table row "| from | to | when |".
TEST(TaskState, TheDocumentIsTheTable) {
  std::ifstream page(DML_SOURCE_DIR "/docs/states.md");
  ASSERT_TRUE(page.is_open());
  std::set<std::string> documented;
  for (std::string line; std::getline(page, line);) {
    std::istringstream words(line);
    std::string bar, from, bar2, to;
    if (words >> bar >> from >> bar2 >> to && bar == "|" && bar2 == "|") {
      documented.insert(from + " " + to);
    }
  }
  documented.erase("from to");
  documented.erase("--- ---");
  std::set<std::string> actual;
  for (const Transition& move : Transitions()) {
    actual.insert(std::string(TaskStateName(move.from)) + " " +
                  std::string(TaskStateName(move.to)));
  }
  EXPECT_EQ(documented, actual);
}

}  // namespace
}  // namespace dml::core
