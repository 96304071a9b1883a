#pragma once

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// A folder that a command left as an output of kind file has its files in a folder of this name
// within the port: "folder/part-0.csv". So the names of an artifact, and its digest, say whether it
// was a folder or a file, however many files there are; one without any was an empty folder.
inline constexpr char kFolderName[] = "folder";

// Moves the declared outputs to <attempt>/out/<port>/: a table as the files of its folder, a file
// by its name, a folder as above. Afterwards nobody else has a name for any of the files: of one
// with further names (hard links) it is a copy. One that is missing, that is a symbolic link or is
// reached by one is kTask.
Result<void> CollectOutputs(const runners::LaunchSpec& spec);

}  // namespace dml::agent
