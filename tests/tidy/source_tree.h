#pragma once

#include <string>
#include <vector>

namespace dml::tidy {

// A C++ file of the project, as text.
struct SourceFile {
  std::string path;    // relative to the root, such as "plugins/table/csv/scan.cc"
  std::string module;  // the folder that is a target, such as "plugins/table"
  std::vector<std::string> lines;

  [[nodiscard]] bool is_test() const { return path.starts_with("tests/"); }
  [[nodiscard]] bool is_header() const { return path.ends_with(".h"); }
};

// Every .h and .cc below the project's own folders, sorted by path. Read once per process.
const std::vector<SourceFile>& SourceTree();

}  // namespace dml::tidy
