#include "plugins/steps/transform/row_view.h"

#include <algorithm>

#include "plugins/learn/data_source.h"
#include "plugins/steps/transform/no_rows.h"

namespace dml::steps {

Result<RowView> RowView::Of(table::Table table, std::vector<std::string> columns) {
  RowView view;
  for (const std::string& name : columns) {
    DML_TRY(const std::size_t index, table.schema().Find(name));
    view.schema_.fields.push_back(table.schema().fields[index]);
  }
  view.starts_.push_back(0);
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    view.starts_.push_back(view.starts_.back() + table.partition_rows(p));
  }
  view.partitions_ = std::make_shared<PartitionCache>(std::move(table), std::move(columns));
  return view;
}

RowView RowView::Select(std::vector<std::uint64_t> rows) const {
  RowView view = *this;
  view.selected_ = std::make_shared<const std::vector<std::uint64_t>>(std::move(rows));
  view.chosen_ = true;
  view.dropped_.clear();
  return view;
}

RowView RowView::Keep(std::vector<std::uint64_t> kept, std::string by) const {
  RowView view = *this;
  view.dropped_.push_back({std::move(by), rows() - kept.size()});
  if (kept.size() < rows()) {
    view.selected_ = std::make_shared<const std::vector<std::uint64_t>>(std::move(kept));
  }
  return view;
}

RowView RowView::SelectAs(const RowView& other) const {
  RowView view = *this;
  view.selected_ = other.selected_;
  view.chosen_ = other.chosen_;
  view.dropped_ = other.dropped_;
  return view;
}

Result<RowView> RowView::Through(FittedTransformPtr transform) const {
  DML_TRY(const table::Batch seen, transform->Apply(NoRows(schema_)));
  RowView view = *this;
  view.transforms_.push_back(std::move(transform));
  view.schema_ = seen.schema;
  return view;
}

std::uint64_t RowView::rows() const { return selected_ ? selected_->size() : starts_.back(); }

std::size_t RowView::chunk_count() const {
  return static_cast<std::size_t>((rows() + learn::kTileRows - 1) / learn::kTileRows);
}

Result<std::vector<table::Batch>> RowView::Read(std::size_t chunk) const {
  const std::uint64_t end = std::min<std::uint64_t>((chunk + 1) * learn::kTileRows, rows());
  std::vector<table::Batch> pieces;
  for (std::uint64_t row = chunk * learn::kTileRows; row < end;) {
    const auto after = std::ranges::upper_bound(starts_, table_row(row));
    const auto partition = static_cast<std::size_t>(after - starts_.begin()) - 1;
    std::uint64_t stop = row + 1;
    if (selected_) {
      while (stop < end && (*selected_)[stop] < *after) ++stop;
    } else {
      stop = std::min(end, *after);
    }
    DML_TRY(table::Batch piece, ReadSeen(partition, row, stop));
    pieces.push_back(std::move(piece));
    row = stop;
  }
  return pieces;
}

Result<void> RowView::ForEachBatch(const RowCheck& see) const {
  for (std::size_t partition = 0; partition + 1 < starts_.size(); ++partition) {
    const std::uint64_t begin = FirstFrom(starts_[partition]);
    const std::uint64_t end = FirstFrom(starts_[partition + 1]);
    if (begin == end) continue;
    DML_TRY(const table::Batch batch, ReadSeen(partition, begin, end));
    if (auto seen = see(batch); !seen.ok()) {
      return BlamePiece(batch, begin, std::move(seen).error(), see);
    }
  }
  return {};
}

std::uint64_t RowView::FirstFrom(std::uint64_t table_row) const {
  if (!selected_) return table_row;
  return static_cast<std::uint64_t>(std::ranges::lower_bound(*selected_, table_row) -
                                    selected_->begin());
}

Result<table::Batch> RowView::ReadSeen(std::size_t partition, std::uint64_t begin,
                                       std::uint64_t end) const {
  DML_TRY(const table::Batch raw, ReadPiece(partition, begin, end));
  Result<table::Batch> seen = Apply(raw);
  if (seen.ok()) return seen;
  return BlamePiece(raw, begin, std::move(seen).error(), [this](const table::Batch& one) {
    auto applied = Apply(one);
    return applied.ok() ? Result<void>() : Result<void>(std::move(applied).error());
  });
}

Result<table::Batch> RowView::ReadPiece(std::size_t partition, std::uint64_t begin,
                                        std::uint64_t end) const {
  DML_TRY(const table::Batch whole, partitions_->Read(partition));
  const std::uint64_t start = starts_[partition];
  table::Batch piece;
  if (selected_) {
    std::vector<std::uint32_t> rows;
    for (std::uint64_t row = begin; row < end; ++row) {
      rows.push_back(static_cast<std::uint32_t>((*selected_)[row] - start));
    }
    piece = whole.Take(rows);
  } else {
    piece = whole.Slice(begin - start, end - start);
  }
  piece.first_row = table_row(begin);
  return piece;
}

Error RowView::BlamePiece(const table::Batch& piece, std::uint64_t first, Error error,
                          const RowCheck& check) const {
  if (!selected_) return error;
  for (std::size_t row = 0; row < piece.rows; ++row) {
    table::Batch one = piece.Slice(row, row + 1);
    one.first_row = table_row(first + row);
    if (auto status = check(one); !status.ok()) return std::move(status).error();
  }
  return error;
}

Error RowView::Blame(std::span<const table::Batch> pieces, std::size_t chunk, Error error,
                     const RowCheck& check) const {
  std::uint64_t first = chunk * learn::kTileRows;
  for (const table::Batch& piece : pieces) {
    Error found = BlamePiece(piece, first, error, check);
    if (!(found == error)) return found;
    first += piece.rows;
  }
  return error;
}

Result<table::Batch> RowView::Apply(table::Batch batch) const {
  const std::uint64_t first_row = batch.first_row;
  for (const FittedTransformPtr& transform : transforms_) {
    DML_TRY(batch, transform->Apply(std::move(batch)));
    batch.first_row = first_row;
  }
  return batch;
}

std::vector<std::string> RowView::FeatureNames(std::size_t column) const {
  const table::Field& field = schema_.fields[column];
  if (field.type != table::ColumnType::kSparse) return {field.name};
  for (auto transform = transforms_.rbegin(); transform != transforms_.rend(); ++transform) {
    std::vector<std::string> names = (*transform)->FeatureNames(field.name);
    if (names.size() == static_cast<std::size_t>(field.width)) return names;
  }
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < field.width; ++i) {
    names.push_back(field.name + "_" + std::to_string(i));
  }
  return names;
}

}  // namespace dml::steps
