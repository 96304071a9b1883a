#pragma once

#include <string_view>

#include "pipelines/yaml/diagnostics.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// Whether a text is well-formed UTF-8, as all texts of a pipeline are, wherever they come from:
// keys and stores hold texts as JSON, which has a place for nothing else.
[[nodiscard]] bool IsUtf8(std::string_view text);

// Checks what must hold before a YAML parser sees a text: size, UTF-8, no control characters.
// Reports the first fault with its line and column and returns false.
bool CheckText(const Source& source, Diagnostics& diagnostics);

}  // namespace dml::pipelines
