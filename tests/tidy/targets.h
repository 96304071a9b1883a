#pragma once

#include <string>
#include <vector>

namespace dml::tidy {

// The sources of one dml_module() or dml_test() which may be compiled as one.
struct Target {
  std::string name;
  std::vector<std::string> sources;  // as they are written: relative to the folder
};

// The targets of a CMakeLists.txt.
std::vector<Target> TargetsOf(const std::string& text);

}  // namespace dml::tidy
