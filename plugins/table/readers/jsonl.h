#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plugins/table/load.h"

namespace dml::table {

// One JSON object a line. Columns are the keys in order of first appearance over all files; an
// absent key and null are missing. Types, over the whole text: true/false bool, whole numbers
// int64, numbers float64, strings timestamp if all of them are ISO 8601, else category or string
// as in csv.h. Nested objects and arrays, and mixtures of types, become their JSON text.
struct JsonlOptions {
  std::vector<std::string> paths;           // .gz and .zst are recognised by content
  std::map<std::string, ColumnType> types;  // instead of inference; not sparse
  std::set<std::string> as_text;            // category or string, by their values, if they exist
  Partitioning partitions;
};

Result<LoadReport> LoadJsonl(const JsonlOptions& options, const std::string& directory,
                             const LoadExecution& execution);

}  // namespace dml::table
