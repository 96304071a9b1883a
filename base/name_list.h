#pragma once

#include <string>
#include <vector>

namespace dml {

// Names as a sentence lists them: "a, b, c". Of many, the first ten and the last two, which in
// tables often is the target, with the count of the others between them.
[[nodiscard]] std::string NameList(const std::vector<std::string>& names);

}  // namespace dml
