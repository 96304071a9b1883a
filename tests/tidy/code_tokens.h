#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dml::tidy {

// A word, a number, "::" or one other character of C++ code; a literal is one token: "" or ''.
struct Token {
  std::string text;
  std::size_t line = 0;  // from 1

  [[nodiscard]] bool is(std::string_view other) const { return text == other; }
  [[nodiscard]] bool is_word() const;
};

// The code of a file without remarks, line breaks and what is for the preprocessor.
std::vector<Token> TokensOf(const std::vector<std::string>& lines);

}  // namespace dml::tidy
