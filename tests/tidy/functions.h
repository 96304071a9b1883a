#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dml::tidy {

// A block of code: the body of a function, a lambda, a loop, with its head.
struct Block {
  std::string head;            // its first line, without indentation
  std::size_t first_line = 0;  // from 1
  std::size_t lines = 0;       // from the first of the head to the closing brace
};

// Every block of code in a formatted text, wherever it stands and however its head is wrapped;
// neither types, namespaces and linkages nor lists of values. What is too long inside a function
// makes the function too long: so blocks that are no functions may be measured like functions.
std::vector<Block> BlocksOf(const std::vector<std::string>& lines);

}  // namespace dml::tidy
