#pragma once

#include <string>
#include <vector>

#include "plugins/table/csv/text_source.h"
#include "plugins/table/load.h"

namespace dml::table {

// Dense arrays in binary files.

// A NumPy .npy file (1-D, 2-D, or more: then the axes after the first are flattened) of
// f4 f8 i1 i2 i4 i8 u1 u2 u4 b1, in C or, up to two axes, Fortran order. Columns are
// "column_1" ... unless `columns` names them. NaN is missing. With `labels`, a file of one value
// per row, a last column "label".
struct NpyOptions {
  std::string path;
  std::string labels;  // may be empty
  std::vector<std::string> columns;
  Partitioning partitions;
};
Result<LoadReport> LoadNpy(const NpyOptions& options, const std::string& directory,
                           const LoadExecution& execution);

// IDX images (the format of MNIST; gz recognised by content), flattened to one int64 or float
// column per pixel: "pixel_1" ... With `labels`, an IDX file of one number per image, a last
// column "label".
struct IdxOptions {
  std::string images;
  std::string labels;  // may be empty
  Partitioning partitions;
};
Result<LoadReport> LoadIdx(const IdxOptions& options, const std::string& directory,
                           const LoadExecution& execution);

}  // namespace dml::table
