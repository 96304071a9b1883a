#include "plugins/steps/transform/feature_block.h"

#include <fmt/format.h>

#include <memory>

#include "plugins/steps/transform/replace_column.h"
#include "plugins/table/column_builder.h"

namespace dml::steps {

Result<void> PutSparse(table::Batch& batch, const std::string& column, std::size_t width,
                       FeatureBlock block) {
  if (width == 0) return RemoveColumn(batch, column);
  auto kept = std::make_shared<const FeatureBlock>(std::move(block));
  NewColumns made;
  made.Add(column, table::Column::Sparse(static_cast<std::int64_t>(width), kept->offsets,
                                         kept->indices, kept->values, kept));
  return ReplaceColumn(batch, column, std::move(made));
}

Result<void> PutDense(table::Batch& batch, const std::string& column,
                      const std::vector<std::string>& names, const FeatureBlock& block) {
  std::vector<std::vector<double>> features(names.size(), std::vector<double>(batch.rows));
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const auto end = static_cast<std::size_t>(block.offsets[row + 1]);
    for (auto i = static_cast<std::size_t>(block.offsets[row]); i < end; ++i) {
      features[static_cast<std::size_t>(block.indices[i])][row] = block.values[i];
    }
  }
  NewColumns made;
  for (std::size_t i = 0; i < names.size(); ++i) {
    made.Add(names[i], table::MakeFloat64(std::move(features[i])));
  }
  return ReplaceColumn(batch, column, std::move(made));
}

Result<void> CheckDense(const std::string& column, std::size_t features) {
  if (features <= kDenseFeaturesMax) return {};
  return Error::Invalid(fmt::format("the column '{}' would become {} columns, and {} are allowed",
                                    column, features, kDenseFeaturesMax),
                        "set sparse_output: true, or keep fewer features");
}

}  // namespace dml::steps
