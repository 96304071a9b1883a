#pragma once

#include "pipelines/diagnostics.h"
#include "pipelines/document.h"

namespace dml::pipelines {

// Checks what must hold before a YAML parser sees a text: size, UTF-8, no control characters.
// Reports the first fault with its line and column and returns false.
bool CheckText(const Source& source, Diagnostics& diagnostics);

}  // namespace dml::pipelines
