#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// The files around a command. One that does not use a work folder has none.

// Whether it starts in its work folder; otherwise, in the folder of whoever runs it.
[[nodiscard]] bool UsesWorkFolder(const runners::Command& command);

// In the attempt's folder: where it starts, or what holds the folder where it does if its code
// reaches upwards.
inline constexpr char kWorkFolder[] = "work";

// A path as it was declared, below the work folder `folder`. One that is absolute or leads outside
// is kInvalid.
Result<std::string> PathInside(const std::string& folder, const std::string& declared);

// Creates the work folder and puts the input files where they were declared, by symbolic links:
// folders and tables as folders of them, anything else as the file that it is.
Result<void> PrepareWorkFolder(const runners::LaunchSpec& spec);

// Nothing for an empty path.
Result<void> MakeLogFolder(const std::string& log_path);

// A log that has grown beyond kLogBytesMax keeps its last kLogBytesKept bytes, and says so in its
// first line; whoever appends to it goes on after that, and may lose what it writes in the very
// instant of the cut. Returns whether it was cut.
bool CutLog(const std::string& path);
inline constexpr std::int64_t kLogBytesMax = 256LL << 20;
inline constexpr std::int64_t kLogBytesKept = 16LL << 20;
inline constexpr char kLogCutWarning[] =
    "its log grew beyond 256 MiB: only what came last was kept";

void RemoveEmptyLog(const std::string& path);

}  // namespace dml::agent
