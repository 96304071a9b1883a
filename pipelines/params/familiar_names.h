#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dml::pipelines {

// What somebody who writes a parameter as other programs call it is to write here, as a hint; "" if
// the name is not familiar, or there is nothing to say without what it stands for among `names`.
std::string HintForFamiliar(std::string_view name, std::span<const std::string> names);

// The same for a key of a pipeline, a step or another part of the file that has only `keys`.
std::string HintForFamiliarKey(std::string_view key, std::span<const std::string> keys);

}  // namespace dml::pipelines
