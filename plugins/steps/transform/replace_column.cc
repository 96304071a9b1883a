#include "plugins/steps/transform/replace_column.h"

#include <fmt/format.h>

#include <unordered_set>

namespace dml::steps {

namespace {

Result<void> CheckUnique(const table::Schema& schema) {
  std::unordered_set<std::string_view> names;
  for (const table::Field& field : schema.fields) {
    if (names.insert(field.name).second) continue;
    return Error::Invalid(fmt::format("there would be two columns '{}'", field.name),
                          "rename or drop one of them first");
  }
  return {};
}

template <typename T>
void InsertAt(std::vector<T>& list, std::size_t at, std::vector<T> items) {
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(at),
              std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
}

Result<void> Insert(table::Batch& batch, std::size_t at, NewColumns columns) {
  for (const table::Column& column : columns.columns) {
    DML_CHECK(column.size() == batch.rows, "columns of a batch have equal length");
  }
  InsertAt(batch.schema.fields, at, std::move(columns.fields));
  InsertAt(batch.columns, at, std::move(columns.columns));
  return CheckUnique(batch.schema);
}

void Erase(table::Batch& batch, std::size_t index) {
  batch.schema.fields.erase(batch.schema.fields.begin() + static_cast<std::ptrdiff_t>(index));
  batch.columns.erase(batch.columns.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace

void NewColumns::Add(std::string name, table::Column column) {
  fields.push_back({std::move(name), column.type(), column.width()});
  columns.push_back(std::move(column));
}

Result<void> ReplaceColumn(table::Batch& batch, const std::string& name, NewColumns columns,
                           bool keep) {
  DML_TRY(std::size_t index, batch.schema.Find(name));
  if (keep) {
    ++index;
  } else {
    Erase(batch, index);
  }
  return Insert(batch, index, std::move(columns));
}

Result<void> AppendColumns(table::Batch& batch, NewColumns columns) {
  return Insert(batch, batch.columns.size(), std::move(columns));
}

Result<void> RemoveColumn(table::Batch& batch, const std::string& name) {
  DML_TRY(const std::size_t index, batch.schema.Find(name));
  Erase(batch, index);
  return {};
}

}  // namespace dml::steps
