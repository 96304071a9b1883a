#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "plugins/table/batch.h"

namespace dml::table {

struct CsvWriteOptions {
  char delimiter = ',';
  bool header = true;
  std::string null_value;  // written for missing values
};

// Writes rows as delimited text that LoadCsv reads back as the same values: shortest round-trip
// numbers, ISO timestamps, LF, and quotes only where they are needed; a name that ends in .gz or
// .zst is packed. Whole floats keep a decimal, so that types are inferred as they were. Text that
// reads like something else (NA, 12, true, nothing) needs `types` and `null_values` to come back.
// The file is written as base/output_file.h says: whole at Commit(), or not at all. A NUL byte in a
// text cannot be read back, and is refused with its row and column. Not thread-safe.
class CsvWriter {
 public:
  // With the errors of OutputFile::Create().
  static Result<CsvWriter> Create(const std::string& path, const CsvWriteOptions& options = {});
  ~CsvWriter();
  CsvWriter(CsvWriter&&) noexcept;
  CsvWriter& operator=(CsvWriter&&) noexcept;

  // The header comes from the first batch; all batches have the same columns.
  Result<void> Append(const Batch& batch);
  Result<void> Commit();

 private:
  struct State;
  explicit CsvWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The rows of a batch as text, with the header if options say so.
[[nodiscard]] std::string FormatCsv(const Batch& batch, const CsvWriteOptions& options = {});

}  // namespace dml::table
