#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dml::table {

enum class Packing { kNone, kGzip, kZstd };

// By the magic number at the start of a file.
[[nodiscard]] Packing PackingOf(std::string_view head);

// Streams the unpacked content of an open file (from its start) to `sink` in blocks. All members
// and frames are read; a truncated or damaged file is kInvalid and names `path`.
Result<void> Unpack(int fd, const std::string& path, Packing packing,
                    const std::function<Result<void>(std::string_view)>& sink);

}  // namespace dml::table
