#pragma once

#include <memory>

#include "plugins/api/step.h"
#include "plugins/learn/model_file.h"
#include "plugins/steps/training/design_matrix.h"

namespace dml::steps {

// The model in the input `model`.
Result<learn::LoadedModel> OpenModel(const plugins::StepContext& context);

// Raw rows as the model's predictor sees them: its columns are picked by name and read as the types
// they had in training (read_as.h), then the fitted preprocessing is applied. A column that
// preprocessing removes before it is read may be missing, or of any type; of one whose values are
// compared as text (one_hot, ordinal) any text may come. Any other missing column, a value that
// cannot be read so, and whatever the preprocessing refuses are kInvalid with column and row.
// Rows that the preprocessing drops are not among those of the view.
Result<RowView> RowsForModel(const learn::Model& model, const table::Table& table,
                             const plugins::StepContext& context);

// Those rows as tiles.
Result<std::unique_ptr<DesignMatrix>> MatrixForModel(const learn::Model& model,
                                                     const table::Table& table, RowView rows,
                                                     Labels labels = {});

}  // namespace dml::steps
