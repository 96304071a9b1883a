#pragma once

#include <string>
#include <vector>

#include "plugins/table/csv/column_sink.h"
#include "plugins/table/csv/text_source.h"

namespace dml::table {

// What has to be known before the first partition is read.
struct Prologue {
  Dialect dialect;
  std::vector<std::string> names;  // unique
  std::vector<ColumnPlan> plans;   // types seen at the start of the first file, or declared
  std::vector<std::string> warnings;
};

// Reads the start of every file: resolves the delimiter, takes the header, names the columns and
// sets where each file's records begin.
Result<Prologue> ReadPrologue(const CsvOptions& options, TextSource& source);

}  // namespace dml::table
