#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipelines/yaml/location.h"

namespace dml::pipelines {

// Where the column that `message` complains of ("there is no column 'x'") is written among the
// parameters of a step: the first value, or the first key below a parameter, that is this name.
// `text` is the pipeline's main file, `id` and `where` are the step's. Nothing if the step is of
// another file or does not write the name. Pure; reads the whole text.
std::optional<Location> FindWrittenName(const std::string& text, std::string_view id,
                                        const Location& where, std::string_view message);

}  // namespace dml::pipelines
