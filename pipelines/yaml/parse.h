#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "pipelines/yaml/diagnostics.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// Limits that keep a hostile file from costing more than a moment.
inline constexpr std::size_t kSourceBytesMax = 8U << 20U;
inline constexpr int kNestingMax = 64;
// Copies made by aliases, in nodes plus 64-byte pieces of text.
inline constexpr std::size_t kAliasCopiesMax = 100'000;

// Fills in `line_starts`; what every Source needs before it is used.
std::shared_ptr<const Source> MakeSource(std::string name, std::string directory, std::string text,
                                         int order);

// YAML text to a tree in which every node knows its place. Stops at the first syntax error, but
// reports all duplicate keys. Returns nothing when anything was reported. An empty text is a null
// root. The only user of yaml-cpp; thread-safe.
std::optional<Document> ParseYaml(std::shared_ptr<const Source> source, Diagnostics& diagnostics);

}  // namespace dml::pipelines
