#include "plugins/steps/training/pipeline_fit.h"

#include "base/files.h"
#include "plugins/learn/tile_cache.h"
#include "plugins/steps/transform/chain.h"

namespace dml::steps {

namespace {

constexpr std::uint64_t kTileCacheBytes = 512ULL << 20;

// Half of what the task may use: the estimator and the readers need the rest.
std::uint64_t CacheBytes(const plugins::StepContext& context) {
  return context.memory_bytes > 0 ? static_cast<std::uint64_t>(context.memory_bytes) / 2
                                  : kTileCacheBytes;
}

learn::CheckpointPlace PlaceOf(const plugins::StepContext& context, const std::string& name) {
  learn::CheckpointPlace place{context.checkpoint_dir, name, context.checkpoint_interval, {}};
  if (context.monitor != nullptr) {
    place.tell = [&context](const std::string& line) { context.monitor->Log(line); };
  }
  return place;
}

}  // namespace

Result<FittedPipeline> FitPipeline(const TrainingParams& params, const Estimator& estimator,
                                   const TrainingRows& rows, const RowView& raw,
                                   const plugins::StepContext& context, const std::string& name) {
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  execution.checkpoint = PlaceOf(context, name);
  DML_TRY(const RowView seen, FitChain(params.preprocess, raw, execution));
  DML_TRY(const auto matrix,
          DesignMatrix::Make(rows.table, seen, rows.labels, estimator.allow_missing));
  // Rows without preprocessing are as quickly read from the table again as from a scratch file.
  const std::string scratch = params.preprocess.empty() ? "" : context.scratch_dir;
  if (!scratch.empty()) DML_RETURN_IF_ERROR(MakeDirectories(scratch));
  const learn::TileCache tiles(*matrix, CacheBytes(context), scratch);
  const int classes = static_cast<int>(rows.labels.target.classes.size());
  DML_TRY(learn::FitResult fit, estimator.fit(tiles, classes, execution));
  return FittedPipeline{seen, matrix->feature_names(), std::move(fit)};
}

}  // namespace dml::steps
