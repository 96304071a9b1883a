#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace dml::e2e {

// The name of a test that is about one crash point: "gc.forgotten" -> "gc_forgotten".
inline std::string NameOfLabel(const testing::TestParamInfo<std::string_view>& label) {
  std::string name(label.param);
  std::ranges::replace(name, '.', '_');
  return name;
}

}  // namespace dml::e2e
