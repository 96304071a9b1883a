#include "tests/steps/transform_lab.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace dml::steps {

namespace {

using table::ColumnType;

table::Field FieldOf(const std::string& key, const Json& values) {
  const std::size_t colon = key.find(':');
  if (colon != std::string::npos) {
    return {key.substr(0, colon), table::ParseColumnType(key.substr(colon + 1)).value(), 1};
  }
  table::Field field{key, ColumnType::kInt64, 1};
  for (const Json& value : values) {
    if (value.is_string()) field.type = ColumnType::kCategory;
    if (value.is_boolean()) field.type = ColumnType::kBool;
    if (value.is_number_float()) field.type = ColumnType::kFloat64;
  }
  return field;
}

table::Column ColumnOf(const table::Field& field, const Json& values) {
  table::ColumnBuilder builder(field);
  for (const Json& value : values) {
    if (value.is_null()) {
      builder.AppendMissing();
    } else if (field.type == ColumnType::kBool) {
      builder.AppendBool(value.get<bool>());
    } else if (field.type == ColumnType::kFloat64 || field.type == ColumnType::kFloat32) {
      builder.AppendDouble(value.get<double>());
    } else if (value.is_string()) {
      builder.AppendText(value.get<std::string>());
    } else {
      builder.AppendInt64(value.get<std::int64_t>());
    }
  }
  return builder.Finish();
}

void AppendSparse(const table::Column& column, const std::vector<std::string>& names,
                  TransformLab::Cells& out) {
  for (std::size_t row = 0; row < column.size(); ++row) {
    for (const std::string& name : names) out[name].emplace_back("0");
    for (auto i = static_cast<std::size_t>(column.offsets()[row]);
         i < static_cast<std::size_t>(column.offsets()[row + 1]); ++i) {
      out[names[static_cast<std::size_t>(column.sparse_indices()[i])]].back() =
          fmt::format("{}", column.sparse_values()[i]);
    }
  }
}

}  // namespace

table::Table TransformLab::Table(const Json& columns, std::uint64_t partition_rows) {
  table::Batch all;
  for (const auto& [key, values] : columns.items()) {
    const table::Field field = FieldOf(key, values);
    all.rows = values.size();
    all.Set(field, ColumnOf(field, values));
  }
  const std::string directory = folder_.path() + "/table" + std::to_string(tables_++);
  DML_CHECK(MakeDirectories(directory).ok(), "the folder of the table is made");
  table::TableWriter writer(directory, all.schema);
  const std::uint64_t step =
      partition_rows == 0 ? std::max<std::uint64_t>(all.rows, 1) : partition_rows;
  std::size_t partition = 0;
  for (std::uint64_t row = 0; row == 0 || row < all.rows; row += step) {
    const auto end = std::min<std::uint64_t>(row + step, all.rows);
    DML_CHECK(writer.Write(partition++, all.Slice(row, end)).ok(), "the partition is written");
  }
  DML_CHECK(writer.Finish().ok(), "the table is written");
  return table::Table::OpenDirectory(directory).value();
}

RowView TransformLab::Rows(const Json& columns, std::uint64_t partition_rows) {
  const table::Table table = Table(columns, partition_rows);
  return RowView::Of(table, table.schema().Names()).value();
}

Result<FittedTransformPtr> TransformLab::Fit(const std::string& transform, const Json& params,
                                             const RowView& rows, int threads) {
  const TransformType* type = FindTransformType(transform);
  DML_CHECK(type != nullptr, "the transform exists");
  learn::Execution execution;
  execution.threads = threads;
  return type->fit(params, rows, execution);
}

Result<RowView> TransformLab::FitApply(const std::string& transform, const Json& params,
                                       const RowView& rows, int threads) {
  DML_TRY(const FittedTransformPtr fitted, Fit(transform, params, rows, threads));
  return rows.Through(fitted);
}

Result<TransformLab::Cells> TransformLab::Read(const RowView& rows) {
  Cells out;
  for (std::size_t c = 0; c < rows.schema().fields.size(); ++c) {
    for (const std::string& name : rows.FeatureNames(c)) out[name];
  }
  for (std::size_t chunk = 0; chunk < rows.chunk_count(); ++chunk) {
    DML_TRY(const std::vector<table::Batch> pieces, rows.Read(chunk));
    for (const table::Batch& piece : pieces) {
      for (std::size_t c = 0; c < piece.columns.size(); ++c) {
        if (piece.columns[c].type() == ColumnType::kSparse) {
          AppendSparse(piece.columns[c], rows.FeatureNames(c), out);
          continue;
        }
        for (std::size_t row = 0; row < piece.rows; ++row) {
          out[piece.schema.fields[c].name].push_back(piece.columns[c].AsText(row));
        }
      }
    }
  }
  return out;
}

}  // namespace dml::steps
