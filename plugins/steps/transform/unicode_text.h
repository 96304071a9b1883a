#pragma once

#include <string>
#include <string_view>

namespace dml::steps {

inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;

// The code point at text[at], moving `at` past it; kNotUtf8 for a byte that begins none.
char32_t NextCodePoint(std::string_view text, std::size_t& at);

// Whether a word may hold it: letters, digits and the underscore of any script.
[[nodiscard]] bool IsWordCharacter(char32_t point);
[[nodiscard]] bool IsSpace(char32_t point);

// The text in lower case, one code point for one. Bytes that are not UTF-8 stay.
[[nodiscard]] std::string ToLower(std::string_view text);

}  // namespace dml::steps
