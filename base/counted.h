#pragma once

#include <concepts>
#include <string>

namespace dml {

// "1 file", "0 files", "3 files": a number of things, each of which is called `one`.
std::string Counted(std::integral auto count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace dml
