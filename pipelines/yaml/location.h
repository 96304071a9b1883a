#pragma once

#include <string>

namespace dml::pipelines {

// A place in a source file. Lines and columns count from 1; columns count Unicode code points.
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  friend bool operator==(const Location&, const Location&) = default;
};

}  // namespace dml::pipelines
