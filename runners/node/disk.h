#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/disk_space.h"
#include "base/result.h"

namespace dml::node {

// With less than that, an attempt can neither write its log nor say how it ended: none begins.
inline constexpr std::int64_t kDiskFreeMin = 1 << 20;

// kEnvironment, "disk full: need N bytes, have M, at 'path'": heads know these first two words.
[[nodiscard]] Error DiskFull(const std::string& path, std::int64_t needed);

// Whether the disk of a node's folder is full, as the file system says.
[[nodiscard]] std::optional<Error> FindDiskFull(const std::string& root);
// The same after something has failed there; also tries, for a quota is seen in no other way.
[[nodiscard]] std::optional<Error> ProveDiskFull(const std::string& root);

}  // namespace dml::node
