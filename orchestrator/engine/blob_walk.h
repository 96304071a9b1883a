#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/artifact.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/cache_store.h"

namespace dml::engine {

// Calls visit(path, name, bytes) -> Result<void> for every file of the store, in no order, until
// one fails.
template <typename Visit>
Result<void> ForEachBlob(const Home& home, const Visit& visit) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::recursive_directory_iterator it(home.BlobFolder(), error);
  for (; !error && it != fs::end(it); it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone)) continue;
    const auto bytes = static_cast<std::int64_t>(it->file_size(gone));
    DML_RETURN_IF_ERROR(visit(it->path().string(), it->path().filename().string(), bytes));
  }
  if (error) return Error::System("cannot list '" + home.BlobFolder() + "'", error.value());
  return {};
}

// Calls visit(file) for every file of a result.
template <typename Visit>
void ForEachFile(const state::CacheRow& row, const Visit& visit) {
  for (const Artifact& output : row.outputs) {
    for (const ArtifactFile& file : output.files) visit(file);
  }
}

}  // namespace dml::engine
