#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/step_spec.h"

namespace dml {

// A file of an artifact. `name` is relative and stable ("part-00003.safetensors"); `path` is where
// its bytes are on this machine and is never part of an identity.
struct ArtifactFile {
  std::string name;
  std::string path;
  std::int64_t size = 0;
  Digest digest;
  bool executable = false;  // was, when its command left it; of a port of kind file alone
};

// One output port of one committed task: an ordered set of immutable files. Its digest covers
// names, sizes, contents, and what can be executed. Consumers read the files in place and never
// write to them.
struct Artifact {
  std::string port;
  PortKind kind = PortKind::kFile;
  std::vector<ArtifactFile> files;  // sorted by name
  Digest digest;
};

}  // namespace dml
