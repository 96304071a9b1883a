#include "plugins/table/readers/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "plugins/table/parallel_partitions.h"
#include "plugins/table/partition_file.h"
#include "plugins/table/readers/matrix_layout.h"

namespace dml::table {

namespace {

constexpr std::uint64_t kAutoBytes = std::uint64_t{32} << 20;
constexpr char kLabel[] = "label";

std::uint64_t RowsPerPartition(const Partitioning& partitioning, const MatrixLayout& layout) {
  const auto value = static_cast<std::uint64_t>(partitioning.value);
  if (partitioning.kind == Partitioning::Kind::kCount) {
    return std::max<std::uint64_t>(1, (layout.rows + value - 1) / value);
  }
  const std::uint64_t bytes = partitioning.kind == Partitioning::Kind::kBytes ? value : kAutoBytes;
  // As stored: an image of bytes grows to eight times its size.
  const std::uint64_t element = layout.Type() == ColumnType::kInt64 ? 8 : layout.ElementSize();
  return std::max<std::uint64_t>(1, bytes / (layout.columns * element));
}

// Arrays side by side, with equal numbers of rows.
struct Panel {
  const TextSource::File* file;
  MatrixLayout layout;
};

Result<LoadReport> LoadPanels(const TextSource& source, const std::vector<Panel>& panels,
                              Schema schema, const Partitioning& partitioning,
                              const std::string& directory, const LoadExecution& execution) {
  const MatrixLayout& first = panels.front().layout;
  const std::uint64_t step = RowsPerPartition(partitioning, first);
  LoadReport report;
  report.schema = std::move(schema);
  report.rows = first.rows;
  report.bytes = static_cast<std::int64_t>(source.size());
  DML_RETURN_IF_ERROR(CheckPartitionCount(first.rows / step, "write larger `partitions`"));
  for (std::uint64_t begin = 0; begin < first.rows; begin += step) {
    report.partition_rows.push_back(std::min(step, first.rows - begin));
  }
  while (partitioning.kind == Partitioning::Kind::kCount &&
         report.partition_rows.size() < static_cast<std::size_t>(partitioning.value)) {
    report.partition_rows.push_back(0);
  }
  std::vector<std::vector<std::uint64_t>> missing(report.partition_rows.size());
  DML_RETURN_IF_ERROR(ForEachPartition(
      report.partition_rows.size(), execution, [&](std::size_t number) -> Result<void> {
        const std::uint64_t begin = std::min(number * step, first.rows);
        const std::uint64_t rows = report.partition_rows[number];
        Batch batch{report.schema, {}, rows, begin};
        for (const Panel& panel : panels) {
          DML_TRY(auto columns, ReadMatrix(source, *panel.file, panel.layout, begin, begin + rows));
          for (Column& column : columns) {
            missing[number].push_back(column.CountMissing());
            batch.columns.push_back(std::move(column));
          }
        }
        return WritePartitionFile(directory + "/" + PartitionFileName(number), batch);
      }));
  report.missing.assign(report.schema.fields.size(), 0);
  for (const auto& part : missing) {
    for (std::size_t c = 0; c < part.size(); ++c) report.missing[c] += part[c];
  }
  DML_RETURN_IF_ERROR(WriteTableIndex(directory, report.schema, report.partition_rows));
  return report;
}

// Adds the array of labels as the last column.
Result<void> AddLabels(const TextSource::File& file, const MatrixLayout& labels, Schema& schema,
                       std::vector<Panel>& panels) {
  const MatrixLayout& rows = panels.front().layout;
  if (labels.columns != 1 || labels.rows != rows.rows) {
    return Error::Invalid(
        fmt::format("'{}' has {} x {} labels for {} rows of '{}'", file.path, labels.rows,
                    labels.columns, rows.rows, panels.front().file->path),
        "give one label per row");
  }
  if (schema.IndexOf(kLabel) >= 0) {
    return Error::Invalid(fmt::format("a column is named '{}', as the labels are", kLabel),
                          "give it another name in columns");
  }
  panels.push_back({&file, labels});
  schema.fields.push_back({kLabel, labels.Type(), 1});
  return {};
}

std::vector<std::string> PathsWithLabels(const std::string& path, const std::string& labels) {
  std::vector<std::string> paths{path};
  if (!labels.empty()) paths.push_back(labels);
  return paths;
}

}  // namespace

Result<LoadReport> LoadNpy(const NpyOptions& options, const std::string& directory,
                           const LoadExecution& execution) {
  DML_TRY(const auto source, TextSource::Open(PathsWithLabels(options.path, options.labels),
                                              CsvEncoding::kUtf8, directory));
  const auto& files = source->files();
  DML_TRY(const MatrixLayout layout, ParseNpyHeader(*source, files[0]));
  if (!options.columns.empty() && options.columns.size() != layout.columns) {
    return Error::Invalid(fmt::format("'{}' has {} columns, but {} names are given", options.path,
                                      layout.columns, options.columns.size()),
                          "give one name per column");
  }
  Schema schema;
  std::set<std::string> seen;
  for (std::uint64_t c = 0; c < layout.columns; ++c) {
    const std::string name =
        options.columns.empty() ? fmt::format("column_{}", c + 1) : options.columns[c];
    if (!seen.insert(name).second) {
      return Error::Invalid(fmt::format("the column name '{}' is given twice", name));
    }
    schema.fields.push_back({name, layout.Type(), 1});
  }
  std::vector<Panel> panels{{files.data(), layout}};
  if (!options.labels.empty()) {
    DML_TRY(const MatrixLayout labels, ParseNpyHeader(*source, files[1]));
    DML_RETURN_IF_ERROR(AddLabels(files[1], labels, schema, panels));
  }
  return LoadPanels(*source, panels, std::move(schema), options.partitions, directory, execution);
}

Result<LoadReport> LoadIdx(const IdxOptions& options, const std::string& directory,
                           const LoadExecution& execution) {
  DML_TRY(const auto source, TextSource::Open(PathsWithLabels(options.images, options.labels),
                                              CsvEncoding::kUtf8, directory));
  const auto& files = source->files();
  DML_TRY(const MatrixLayout images, ParseIdxHeader(*source, files[0]));
  std::vector<Panel> panels{{files.data(), images}};
  Schema schema;
  for (std::uint64_t c = 0; c < images.columns; ++c) {
    schema.fields.push_back({fmt::format("pixel_{}", c + 1), images.Type(), 1});
  }
  if (!options.labels.empty()) {
    DML_TRY(const MatrixLayout labels, ParseIdxHeader(*source, files[1]));
    DML_RETURN_IF_ERROR(AddLabels(files[1], labels, schema, panels));
  }
  return LoadPanels(*source, panels, std::move(schema), options.partitions, directory, execution);
}

}  // namespace dml::table
