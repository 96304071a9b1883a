#include "plugins/table/sql/row_source.h"

#include <utility>

namespace dml::sql {

RowSource::RowSource(table::Table table, std::size_t begin, std::size_t end)
    : table_(std::move(table)), begin_(begin), end_(end) {}

RowSource RowSource::Of(table::Batch batch) {
  RowSource source;
  source.end_ = 1;
  source.batch_ = std::move(batch);
  return source;
}

RowSource RowSource::Empty(table::Schema schema) {
  RowSource source;
  source.batch_.schema = std::move(schema);
  return source;
}

const table::Schema& RowSource::schema() const { return table_ ? table_->schema() : batch_.schema; }

std::uint64_t RowSource::first_row() const {
  if (!table_) return batch_.first_row;
  std::uint64_t first = 0;
  for (std::size_t p = 0; p < begin_; ++p) first += table_->partition_rows(p);
  return first;
}

std::size_t RowSource::pieces() const { return end_ - begin_; }

std::size_t RowSource::piece_rows(std::size_t piece) const {
  return table_ ? static_cast<std::size_t>(table_->partition_rows(begin_ + piece)) : batch_.rows;
}

Result<table::Batch> RowSource::Read(std::size_t piece,
                                     const std::vector<std::string>& columns) const {
  if (table_) return table_->Read(begin_ + piece, columns);
  table::Batch out{{}, {}, batch_.rows, batch_.first_row};
  for (const std::string& name : columns) {
    DML_TRY(const std::size_t index, batch_.schema.Find(name));
    out.schema.fields.push_back(batch_.schema.fields[index]);
    out.columns.push_back(batch_.columns[index]);
  }
  return out;
}

}  // namespace dml::sql
