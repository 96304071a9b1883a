#include "plugins/steps/transform/term_vectors.h"

#include <fmt/format.h>

#include <cmath>

namespace dml::steps {

void NormalizeRow(FeatureBlock& block, std::size_t begin, TermNorm norm) {
  if (norm == TermNorm::kNone) return;
  double sum = 0.0;
  for (std::size_t i = begin; i < block.values.size(); ++i) {
    const double x = block.values[i];
    sum += norm == TermNorm::kL2 ? x * x : std::abs(x);
  }
  if (sum == 0.0) return;
  if (norm == TermNorm::kL2) sum = std::sqrt(sum);
  for (std::size_t i = begin; i < block.values.size(); ++i) block.values[i] /= sum;
}

Result<void> RequireText(const table::Schema& schema, const std::vector<std::string>& columns) {
  using table::ColumnType;
  if (columns.empty()) {
    return Error::Invalid("there is no column of free text",
                          "name the columns, or load them as string");
  }
  for (const std::string& column : columns) {
    DML_TRY(const std::size_t index, schema.Find(column));
    const ColumnType type = schema.fields[index].type;
    if (type == ColumnType::kString || type == ColumnType::kCategory) continue;
    return Error::Invalid(
        fmt::format("the column '{}' is {}, not text", column, table::ColumnTypeName(type)),
        "leave it out of `columns`");
  }
  return {};
}

Result<const table::Column*> FindText(const table::Batch& batch, const std::string& column) {
  DML_RETURN_IF_ERROR(RequireText(batch.schema, {column}));
  return batch.Find(column);
}

}  // namespace dml::steps
