#include "tests/pipelines/golden_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/files.h"

namespace dml::golden {

std::vector<std::string> Cases(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

void Expect(const std::string& path, const std::string& found) {
  if (std::getenv("DML_BLESS") != nullptr) {
    std::ofstream(path) << found;
    return;
  }
  const auto expected = ReadFile(path);
  ASSERT_TRUE(expected.ok()) << "no expectation; look at this and bless it:\n" << found;
  EXPECT_EQ(found, *expected);
}

}  // namespace dml::golden
