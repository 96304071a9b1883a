#pragma once

#include <string>
#include <string_view>

namespace dml::report {

// Text as the content of an element or of a quoted attribute, in HTML and in SVG: & < > " ' are
// escaped, control characters and bytes that are not UTF-8 become U+FFFD.
std::string EscapeHtml(std::string_view text);

// At most `width` code points, the last one an ellipsis when something was cut.
std::string Shorten(std::string_view text, std::size_t width);

}  // namespace dml::report
