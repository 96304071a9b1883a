#pragma once

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// The content of the files a task reads from outside the store, as a digest over the hashes of all
// files its pattern matches, in sorted order; names do not count. A file whose stamp is known is
// not read again, unless it changed so recently that a further change could hide behind an equal
// stamp. Nothing matching is kInvalid, located at the path in the pipeline file.
Result<Digest> HashFileInput(const pipelines::FileInput& input, state::RunStore& store,
                             WallTime now);

}  // namespace dml::engine
