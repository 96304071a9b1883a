#include "plugins/steps/training/pipeline_fit.h"

#include <fmt/format.h>

#include <new>

#include "base/files.h"
#include "base/memory_refused.h"
#include "base/quantity.h"
#include "plugins/learn/tile_cache.h"
#include "plugins/steps/transform/chain.h"

namespace dml::steps {

namespace {

constexpr std::uint64_t kTileCacheBytes = 512ULL << 20;

learn::CheckpointPlace PlaceOf(const plugins::StepContext& context, const std::string& name) {
  learn::CheckpointPlace place{context.checkpoint_dir, name, context.checkpoint_interval, {}};
  if (context.monitor != nullptr) {
    place.tell = [&context](const std::string& line) { context.monitor->Log(line); };
  }
  return place;
}

Result<learn::FitResult> FitOrSayWhatItNeeds(const Estimator& estimator,
                                             const learn::DataSource& source,
                                             const ClassNames& classes,
                                             const learn::Execution& execution) {
  try {
    return estimator.fit(source, classes, execution);
  } catch (const std::bad_alloc&) {
    const std::size_t features = source.feature_names().size();
    std::string fit = fmt::format("a fit to {} rows with {} features", source.rows(), features);
    if (!classes.empty()) fit += fmt::format(" and {} classes", classes.size());
    if (!estimator.bytes) {
      throw MemoryRefused(fit + " needs more", "fewer features and classes need less");
    }
    const auto bytes = static_cast<std::int64_t>(estimator.bytes(source.rows(), features));
    throw MemoryRefused(fmt::format("{} needs about {} besides its result", fit, FormatSize(bytes)),
                        "fewer rows and features need less");
  }
}

}  // namespace

std::uint64_t TileCacheBytes(const plugins::StepContext& context) {
  return context.memory_bytes > 0 ? static_cast<std::uint64_t>(context.memory_bytes) / 2
                                  : kTileCacheBytes;
}

Result<std::string> TileScratch(const Json& preprocess, const plugins::StepContext& context) {
  if (preprocess.empty()) return std::string();
  if (!context.scratch_dir.empty()) DML_RETURN_IF_ERROR(MakeDirectories(context.scratch_dir));
  return context.scratch_dir;
}

Result<RowView> FitPreprocessing(const TrainingParams& params, const RowView& raw,
                                 const plugins::StepContext& context) {
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  return FitChain(params.preprocess, raw, execution);
}

Result<FittedPipeline> FitEstimator(const TrainingParams& params, const Estimator& estimator,
                                    const TrainingRows& rows, const RowView& seen,
                                    const plugins::StepContext& context, const std::string& name) {
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  execution.checkpoint = PlaceOf(context, name);
  DML_TRY(const auto matrix,
          DesignMatrix::Make(rows.table, seen, rows.labels, estimator.allow_missing));
  DML_TRY(const std::string scratch, TileScratch(params.preprocess, context));
  const learn::TileCache tiles(*matrix, TileCacheBytes(context), scratch);
  DML_TRY(learn::FitResult fit,
          FitOrSayWhatItNeeds(estimator, tiles, rows.labels.target.classes, execution));
  return FittedPipeline{seen, matrix->feature_names(), std::move(fit)};
}

}  // namespace dml::steps
