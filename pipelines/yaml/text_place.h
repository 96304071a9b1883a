#pragma once

#include <cstddef>
#include <string_view>

#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// The place of a byte of a scalar, or of the scalar if it does not stand in the file as it is:
// folded, escaped, or put together from references.
[[nodiscard]] Place PlaceInText(const Node& node, std::size_t offset);

// The place of a reference in a scalar, found by its spelling if the scalar is folded or escaped. A
// scalar that is one reference and nothing else has the place of the scalar.
[[nodiscard]] Place PlaceOfReference(const Node& node, std::size_t offset, std::size_t length);

// Where `path` of a reference "${steps.ID.metrics.path}" stands in the line of `place`, at or
// behind it; `place` itself if it does not.
[[nodiscard]] Place PlaceOfMetric(const Place& place, std::string_view path);

}  // namespace dml::pipelines
