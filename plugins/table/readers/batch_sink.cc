#include "plugins/table/readers/batch_sink.h"

#include <algorithm>

#include "plugins/table/partition_file.h"

namespace dml::table {

BatchSink::BatchSink(Schema schema, std::string directory, const Partitioning& partitioning,
                     std::uint64_t text_bytes)
    : directory_(std::move(directory)) {
  constexpr std::uint64_t kAutoBytes = std::uint64_t{32} << 20;
  const auto value = static_cast<std::uint64_t>(partitioning.value);
  step_ = kAutoBytes;
  if (partitioning.kind == Partitioning::Kind::kBytes) step_ = value;
  if (partitioning.kind == Partitioning::Kind::kCount) {
    count_ = value;
    step_ = std::max<std::uint64_t>(1, (text_bytes + value - 1) / value);
  }
  limit_ = step_;
  report_.bytes = static_cast<std::int64_t>(text_bytes);
  report_.schema = std::move(schema);
  report_.missing.assign(report_.schema.fields.size(), 0);
  for (const Field& field : report_.schema.fields) builders_.emplace_back(field);
}

Result<void> BatchSink::Flush() {
  Batch batch{report_.schema, {}, rows_, report_.rows};
  for (std::size_t c = 0; c < builders_.size(); ++c) {
    batch.columns.push_back(builders_[c].Finish());
    report_.missing[c] += batch.columns.back().CountMissing();
  }
  report_.rows += rows_;
  report_.partition_rows.push_back(rows_);
  rows_ = 0;
  return WritePartitionFile(directory_ + "/" + PartitionFileName(report_.partition_rows.size() - 1),
                            batch);
}

Result<void> BatchSink::StartRow(std::uint64_t position) {
  while (position >= limit_) {
    DML_RETURN_IF_ERROR(
        CheckPartitionCount(report_.partition_rows.size() + 2, "write larger `partitions`"));
    DML_RETURN_IF_ERROR(Flush());
    limit_ += step_;
  }
  ++rows_;
  return {};
}

Result<LoadReport> BatchSink::Finish() {
  do {
    DML_RETURN_IF_ERROR(Flush());
  } while (report_.partition_rows.size() < count_);
  DML_RETURN_IF_ERROR(WriteTableIndex(directory_, report_.schema, report_.partition_rows));
  return std::move(report_);
}

}  // namespace dml::table
