#include "plugins/table/batch.h"

namespace dml::table {

Result<const Column*> Batch::Find(std::string_view name) const {
  DML_TRY(const std::size_t index, schema.Find(name));
  return &columns[index];
}

void Batch::Set(Field field, Column column) {
  DML_CHECK(column.size() == rows || columns.empty(), "columns of a batch have equal length");
  DML_CHECK(column.type() == field.type, "a column has the type of its field");
  rows = column.size();
  const int index = schema.IndexOf(field.name);
  if (index >= 0) {
    schema.fields[static_cast<std::size_t>(index)] = std::move(field);
    columns[static_cast<std::size_t>(index)] = std::move(column);
    return;
  }
  schema.fields.push_back(std::move(field));
  columns.push_back(std::move(column));
}

Batch Batch::Slice(std::size_t begin, std::size_t end) const {
  Batch out{schema, {}, end - begin, first_row + begin};
  for (const Column& column : columns) out.columns.push_back(column.Slice(begin, end));
  return out;
}

Batch Batch::Take(std::span<const std::uint32_t> selected) const {
  Batch out{schema, {}, selected.size(), first_row};
  for (const Column& column : columns) out.columns.push_back(column.Take(selected));
  return out;
}

}  // namespace dml::table
