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

struct Function {
  std::string head;  // its first line
  std::size_t first_line = 0;
  std::size_t lines = 0;
};

// The functions that begin in the first column, which is where the format puts all but those
// inside classes.
std::vector<Function> FunctionsOf(const SourceFile& file);

}  // namespace dml::tidy
