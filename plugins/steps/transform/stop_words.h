#pragma once

#include <span>
#include <string_view>

namespace dml::steps {

// The English stop words of the Glasgow Information Retrieval Group, which scikit-learn uses too:
// 318 words, sorted.
[[nodiscard]] std::span<const std::string_view> EnglishStopWords();

}  // namespace dml::steps
