#include "plugins/table/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/random.h"
#include "plugins/table/parallel_partitions.h"
#include "plugins/table/partition_file.h"

namespace dml::table {

namespace {

constexpr std::uint64_t kAutoBytes = std::uint64_t{32} << 20;

// Fills the features of a row and returns its target.
using RowMaker = std::function<double(std::uint64_t row, std::span<double> x)>;

std::uint64_t InformativeOf(const GenerateOptions& options) {
  constexpr std::uint64_t kDefault = 10;
  return options.informative > 0 ? options.informative : std::min(kDefault, options.features);
}

Result<void> CheckOptions(const GenerateOptions& options) {
  if (options.rows == 0 || options.features == 0 || options.classes == 0) {
    return Error::Invalid("rows, features and classes have to be at least 1");
  }
  if (options.informative > options.features) {
    return Error::Invalid(fmt::format("{} informative of {} features are too many",
                                      options.informative, options.features));
  }
  return {};
}

Result<void> MakePartition(const Schema& schema, const RowMaker& make, std::uint64_t first,
                           std::uint64_t end, const std::string& path) {
  const std::size_t rows = end - first;
  const std::size_t features = schema.fields.size() - 1;
  std::vector<std::vector<double>> columns(features, std::vector<double>(rows));
  std::vector<double> target(rows);
  std::vector<double> x(features);
  for (std::size_t i = 0; i < rows; ++i) {
    target[i] = make(first + i, x);
    for (std::size_t j = 0; j < features; ++j) columns[j][i] = x[j];
  }
  Batch batch{schema, {}, rows, first};
  for (const auto& column : columns) batch.columns.push_back(Column::Float64(column, {}, nullptr));
  std::vector<std::int64_t> labels;
  if (schema.fields.back().type == ColumnType::kInt64) {
    for (const double value : target) labels.push_back(static_cast<std::int64_t>(value));
    batch.columns.push_back(Column::Int64(labels, {}, nullptr));
  } else {
    batch.columns.push_back(Column::Float64(target, {}, nullptr));
  }
  return WritePartitionFile(path, batch);
}

Result<LoadReport> Generate(const GenerateOptions& options, Field target, const RowMaker& make,
                            const std::string& directory, const LoadExecution& execution) {
  LoadReport report;
  for (std::uint64_t j = 0; j < options.features; ++j) {
    report.schema.fields.push_back({fmt::format("x_{}", j + 1), ColumnType::kFloat64, 1});
  }
  report.schema.fields.push_back(std::move(target));
  const std::uint64_t row_bytes = (options.features + 1) * sizeof(double);
  const std::uint64_t step = options.partition_rows > 0
                                 ? options.partition_rows
                                 : std::max<std::uint64_t>(1, kAutoBytes / row_bytes);
  DML_RETURN_IF_ERROR(CheckPartitionCount(options.rows / step + (options.rows % step > 0 ? 1 : 0),
                                          "write a larger partition_rows"));
  for (std::uint64_t first = 0; first < options.rows; first += step) {
    report.partition_rows.push_back(std::min(step, options.rows - first));
  }
  DML_RETURN_IF_ERROR(
      ForEachPartition(report.partition_rows.size(), execution, [&](std::size_t number) {
        const std::uint64_t first = number * step;
        return MakePartition(report.schema, make, first, first + report.partition_rows[number],
                             directory + "/" + PartitionFileName(number));
      }));
  report.rows = options.rows;
  report.missing.assign(report.schema.fields.size(), 0);
  DML_RETURN_IF_ERROR(WriteTableIndex(directory, report.schema, report.partition_rows));
  return report;
}

}  // namespace

Result<LoadReport> GenerateRegression(const GenerateOptions& options, const std::string& directory,
                                      const LoadExecution& execution) {
  DML_RETURN_IF_ERROR(CheckOptions(options));
  const Philox x_random(options.seed, "regression.x");
  const Philox c_random(options.seed, "regression.coefficient");
  const Philox e_random(options.seed, "regression.noise");
  std::vector<double> coefficients(InformativeOf(options));
  for (std::uint64_t j = 0; j < coefficients.size(); ++j) coefficients[j] = 10 * c_random.Normal(j);
  const RowMaker make = [&](std::uint64_t row, std::span<double> x) {
    double y = options.noise * e_random.Normal(row);
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = x_random.Normal(row, j);
      if (j < coefficients.size()) y += coefficients[j] * x[j];
    }
    return y;
  };
  return Generate(options, {"y", ColumnType::kFloat64, 1}, make, directory, execution);
}

Result<LoadReport> GenerateClassification(const GenerateOptions& options,
                                          const std::string& directory,
                                          const LoadExecution& execution) {
  DML_RETURN_IF_ERROR(CheckOptions(options));
  const Philox x_random(options.seed, "classification.x");
  const Philox centre_random(options.seed, "classification.centre");
  const Philox class_random(options.seed, "classification.class");
  const Philox noise_random(options.seed, "classification.noise");
  const std::uint64_t informative = InformativeOf(options);
  const RowMaker make = [&](std::uint64_t row, std::span<double> x) {
    std::uint64_t label = class_random.Below(options.classes, row);
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j] = options.spread * x_random.Normal(row, j);
      if (j < informative) x[j] += centre_random.Below(2, label, j) == 0 ? -1.0 : 1.0;
    }
    if (noise_random.Uniform(row, 0) < options.flip) {
      label = noise_random.Below(options.classes, row, 1);
    }
    return static_cast<double>(label);
  };
  return Generate(options, {"class", ColumnType::kInt64, 1}, make, directory, execution);
}

Result<LoadReport> GenerateBlobs(const GenerateOptions& options, const std::string& directory,
                                 const LoadExecution& execution) {
  DML_RETURN_IF_ERROR(CheckOptions(options));
  const Philox x_random(options.seed, "blobs.x");
  const Philox centre_random(options.seed, "blobs.centre");
  const Philox class_random(options.seed, "blobs.cluster");
  const RowMaker make = [&](std::uint64_t row, std::span<double> x) {
    const std::uint64_t label = class_random.Below(options.classes, row);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double centre = -10 + 20 * centre_random.Uniform(label, j);
      x[j] = centre + options.spread * x_random.Normal(row, j);
    }
    return static_cast<double>(label);
  };
  return Generate(options, {"cluster", ColumnType::kInt64, 1}, make, directory, execution);
}

}  // namespace dml::table
