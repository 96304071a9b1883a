#include "plugins/steps/transform/no_rows.h"

#include "plugins/table/column_builder.h"

namespace dml::steps {

table::Batch NoRows(const table::Schema& schema) {
  table::Batch batch;
  batch.schema = schema;
  batch.columns.reserve(schema.fields.size());
  for (const table::Field& field : schema.fields) {
    batch.columns.push_back(table::ColumnBuilder(field).Finish());
  }
  return batch;
}

}  // namespace dml::steps
