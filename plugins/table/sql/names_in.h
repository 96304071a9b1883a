#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dml::sql {

// A name in an expression, and its first byte.
struct NameInText {
  std::string name;
  std::size_t begin = 0;
};

// What can be nothing but the name of a column: words and quoted names that are no keywords, no
// functions, and no types of a CAST. A column whose name is a keyword is missed, for the sake of
// never taking a keyword for a column.
[[nodiscard]] std::vector<NameInText> NamesIn(std::string_view expression);

// As SQL compares names.
[[nodiscard]] bool IsSameName(std::string_view a, std::string_view b);

}  // namespace dml::sql
