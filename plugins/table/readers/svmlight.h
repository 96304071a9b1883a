#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugins/table/load.h"

namespace dml::table {

// Lines "label [qid:n] index:value ... [# comment]", as LIBSVM and SVMlight write them.
struct SvmlightOptions {
  std::vector<std::string> paths;  // .gz and .zst are recognised by content
  std::optional<bool> zero_based;  // absent: zero-based if any index is 0
  std::int64_t features = 0;       // width; 0: the largest index of all files decides
  Partitioning partitions;
};

// Columns "label" (int64 if all labels are whole, else float64), "qid" (int64) if the first row
// has one, and "features" (sparse). Indices have to ascend within a line.
Result<LoadReport> LoadSvmlight(const SvmlightOptions& options, const std::string& directory,
                                const LoadExecution& execution);

}  // namespace dml::table
