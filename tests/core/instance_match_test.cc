#include "orchestrator/core/instance_match.h"

#include <gtest/gtest.h>

namespace dml::core {
namespace {

using Tasks = std::vector<std::string>;

// "t@C=2 for t@C=1 (C=2)", "t@C=3 beside t@C=1 (C=3)".
Tasks Told(const Tasks& before, const Tasks& now) {
  Tasks told;
  for (const auto& [name, kin] : MatchInstances(before, now)) {
    told.push_back(name + (kin.replaced ? " for " : " beside ") + kin.name + " (" + kin.fresh +
                   ")");
  }
  return told;
}

struct Case {
  const char* what;
  Tasks before;
  Tasks now;
  Tasks told;
};

const Case kCases[] = {
    {"nothing", {"t@C=1", "t@C=2"}, {"t@C=1", "t@C=2"}, {}},
    {"no instance before", {}, {"t@C=1"}, {}},
    {"a value less", {"t@C=1", "t@C=2"}, {"t@C=1"}, {}},
    {"a value more", {"t@C=1"}, {"t@C=1", "t@C=2"}, {"t@C=2 beside t@C=1 (C=2)"}},
    {"another value", {"t@C=1", "t@C=2"}, {"t@C=1", "t@C=3"}, {"t@C=3 for t@C=2 (C=3)"}},
    {"another value, and one more",
     {"t@C=1", "t@C=2"},
     {"t@C=1", "t@C=3", "t@C=4"},
     {"t@C=3 for t@C=2 (C=3)", "t@C=4 beside t@C=1 (C=4)"}},
    {"other values altogether",
     {"t@C=1", "t@C=2"},
     {"t@C=3", "t@C=4"},
     {"t@C=3 for t@C=1 (C=3)", "t@C=4 for t@C=2 (C=4)"}},
    {"the first of two axes has another value",
     {"t@C=1,p=a", "t@C=1,p=b", "t@C=2,p=a", "t@C=2,p=b"},
     {"t@C=1,p=a", "t@C=1,p=b", "t@C=3,p=a", "t@C=3,p=b"},
     {"t@C=3,p=a for t@C=2,p=a (C=3)", "t@C=3,p=b for t@C=2,p=b (C=3)"}},
    {"the second of two axes has one more",
     {"t@C=1,p=a", "t@C=2,p=a"},
     {"t@C=1,p=a", "t@C=1,p=b", "t@C=2,p=a", "t@C=2,p=b"},
     {"t@C=1,p=b beside t@C=1,p=a (p=b)", "t@C=2,p=b beside t@C=2,p=a (p=b)"}},
    {"values that were there are combined",
     {"t@C=1,p=a", "t@C=2,p=b"},
     {"t@C=1,p=a", "t@C=1,p=b", "t@C=2,p=b"},
     {"t@C=1,p=b beside t@C=1,p=a (C=1,p=b)"}},
    {"an axis more: each lives on in several",
     {"t@C=1", "t@C=2"},
     {"t@C=1,p=a", "t@C=1,p=b", "t@C=2,p=a", "t@C=2,p=b"},
     {"t@C=1,p=a for t@C=1 (p=a)", "t@C=1,p=b for t@C=1 (p=b)", "t@C=2,p=a for t@C=2 (p=a)",
      "t@C=2,p=b for t@C=2 (p=b)"}},
    {"an axis less", {"t@C=1,p=a", "t@C=1,p=b"}, {"t@C=1"}, {"t@C=1 for t@C=1,p=a (C=1)"}},
    {"the first axis at all",
     {"t"},
     {"t@C=1", "t@C=2"},
     {"t@C=1 for t (C=1)", "t@C=2 for t (C=2)"}},
    {"no axis any more", {"t@C=1", "t@C=2"}, {"t"}, {"t for t@C=1 ()"}},
    {"an axis has another name", {"t@C=1"}, {"t@c=1"}, {"t@c=1 for t@C=1 (c=1)"}},
    {"a list is longer", {"t[0]", "t[1]"}, {"t[0]", "t[1]", "t[2]"}, {"t[2] beside t[0] ([2])"}},
    {"a list instead of a matrix", {"t@C=1"}, {"t[0]"}, {"t[0] for t@C=1 ([0])"}},
    {"a comma is part of a value",
     {"t@l=[1,2],C=1", "t@l=[1,2],C=2"},
     {"t@l=[1,2],C=1", "t@l=[1,2],C=3"},
     {"t@l=[1,2],C=3 for t@l=[1,2],C=2 (C=3)"}},
};

TEST(InstanceMatch, TellsWhatANewInstanceIsToBeHeldAgainst) {
  for (const Case& one : kCases) EXPECT_EQ(Told(one.before, one.now), one.told) << one.what;
}

TEST(InstanceMatch, TheStepIsInTheName) {
  EXPECT_EQ(StepOf("train@C=0.1,x=a@b"), "train");
  EXPECT_EQ(StepOf("train[3]"), "train");
  EXPECT_EQ(StepOf("train"), "train");
}

// However large the matrix, there is an answer, and soon.
TEST(InstanceMatch, ALargeMatrix) {
  const auto name = [](int i) { return "t@i=" + std::to_string(i); };
  Tasks before;
  Tasks now;
  for (int i = 0; i < 20'000; ++i) {
    before.push_back(name(i));
    now.push_back(name(i + 10'000));
  }
  const auto kin = MatchInstances(before, now);
  EXPECT_EQ(kin.size(), 10'000U);
  EXPECT_EQ(kin.at(name(20'000)).name, name(0));
  EXPECT_TRUE(kin.at(name(20'000)).replaced);
}

}  // namespace
}  // namespace dml::core
