#pragma once

#include <string>
#include <vector>

namespace dml::golden {

// Behaviour as text: beside <case>.yaml in a folder lies <case>.expected.

// The names of the cases of a folder, sorted.
[[nodiscard]] std::vector<std::string> Cases(const std::string& folder);

// `found` must equal the text of the file; with DML_BLESS=1 in the environment it becomes that
// text.
void Expect(const std::string& path, const std::string& found);

}  // namespace dml::golden
