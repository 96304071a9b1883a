#include "orchestrator/core/list_change.h"

#include <gtest/gtest.h>

namespace dml::core {
namespace {

using Texts = std::vector<std::string>;
using Places = std::vector<std::size_t>;

TEST(ListChange, TellsWhatIsNewAndWhatIsGone) {
  const ListChange change = CompareLists({"a", "b", "c"}, {"a", "x", "c"});
  EXPECT_EQ(change.fresh, Places{1});
  EXPECT_EQ(change.gone, Texts{"b"});
  EXPECT_FALSE(change.moved);
  EXPECT_EQ(change.before, 3U);
}

TEST(ListChange, WhatMovesUpIsTheSame) {
  const ListChange change = CompareLists({"a", "b", "c"}, {"b", "c"});
  EXPECT_EQ(change.fresh, Places{});
  EXPECT_EQ(change.gone, Texts{"a"});
  EXPECT_TRUE(change.moved);
}

TEST(ListChange, CountsEqualOnes) {
  EXPECT_EQ(CompareLists({"a", "a"}, {"a"}).gone, Texts{"a"});
  EXPECT_EQ(CompareLists({"a"}, {"b", "a", "a"}).fresh, (Places{0, 2}));
  EXPECT_FALSE(CompareLists({"a", "a"}, {"a", "a"}).moved);
}

TEST(ListChange, OrderAloneIsSeen) {
  const ListChange change = CompareLists({"a", "b"}, {"b", "a"});
  EXPECT_TRUE(change.moved && change.fresh.empty() && change.gone.empty());
}

}  // namespace
}  // namespace dml::core
