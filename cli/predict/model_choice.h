#pragma once

#include <string>

#include "base/artifact.h"
#include "base/result.h"

namespace dml::cli {

// The model that a user names: a model file, a folder with its files, a task of the newest run
// ("best"), or of another run ("r3/best"). Never writes; kInvalid says what was looked for.
Result<Artifact> ChooseModel(const std::string& name, const std::string& home);

// The files in a folder as an artifact of one port; kInvalid if there are none.
Result<Artifact> ArtifactOfFolder(const std::string& folder, const std::string& port,
                                  PortKind kind);

}  // namespace dml::cli
