#include "plugins/table/csv/write_csv.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/output_file.h"
#include "plugins/table/csv/pack.h"

namespace dml::table {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 18;

// Quoted if the text would read back as something else: structure, a comment, or spaces that some
// reader strips.
bool NeedsQuotes(std::string_view text, char delimiter) {
  if (text.empty()) return false;
  if (text.front() == ' ' || text.back() == ' ' || text.front() == '#') return true;
  for (const char c : text) {
    if (c == delimiter || c == '"' || c == '\n' || c == '\r') return true;
  }
  return false;
}

void AppendText(std::string& out, std::string_view text, char delimiter) {
  if (!NeedsQuotes(text, delimiter)) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// The shortest text that reads back as this value, and as a float.
template <typename T>
void AppendFloat(std::string& out, T value) {
  const std::size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}", value);
  if (out.find_first_not_of("-0123456789", begin) == std::string::npos) out += ".0";
}

void AppendCell(std::string& out, const Column& column, std::size_t row,
                const CsvWriteOptions& options) {
  if (!column.IsValid(row)) {
    out += options.null_value;
    return;
  }
  switch (column.type()) {
    case ColumnType::kFloat64:
      return AppendFloat(out, column.float64()[row]);
    case ColumnType::kFloat32:
      return AppendFloat(out, column.float32()[row]);
    case ColumnType::kInt64:
      fmt::format_to(std::back_inserter(out), "{}", column.int64()[row]);
      return;
    case ColumnType::kCategory:
    case ColumnType::kString:
      return AppendText(out, column.string(row), options.delimiter);
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
    case ColumnType::kSparse:
      return AppendText(out, column.AsText(row), options.delimiter);
  }
}

// A blank line would be no record.
void EndRecord(std::string& out, std::size_t begin) {
  if (out.size() == begin) out += "\"\"";
  out += '\n';
}

void AppendHeader(std::string& out, const Schema& schema, char delimiter) {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (i > 0) out += delimiter;
    AppendText(out, schema.fields[i].name, delimiter);
  }
  EndRecord(out, begin);
}

void AppendRow(std::string& out, const Batch& batch, std::size_t row,
               const CsvWriteOptions& options) {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    if (i > 0) out += options.delimiter;
    AppendCell(out, batch.columns[i], row, options);
  }
  EndRecord(out, begin);
}

constexpr const char* kNulHint = "remove it; delimited text cannot hold it";

Result<void> CheckNames(const Schema& schema) {
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (schema.fields[i].name.find('\0') == std::string::npos) continue;
    return Error::Invalid(fmt::format("the name of column {} has a NUL byte", i + 1), kNulHint);
  }
  return {};
}

bool IsText(const Column& column) {
  return column.type() == ColumnType::kCategory || column.type() == ColumnType::kString;
}

// `before`: rows of earlier batches.
Result<void> CheckTexts(const Batch& batch, std::size_t before) {
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    const Column& column = batch.columns[i];
    for (std::size_t row = 0; IsText(column) && row < batch.rows; ++row) {
      if (!column.IsValid(row) || column.string(row).find('\0') == std::string_view::npos) continue;
      return Error::Invalid(fmt::format("row {}, column '{}' has a NUL byte", before + row + 1,
                                        batch.schema.fields[i].name),
                            kNulHint);
    }
  }
  return {};
}

}  // namespace

struct CsvWriter::State {
  OutputFile file;
  CsvWriteOptions options;
  Packer packer;
  std::size_t rows = 0;
  bool begun = false;

  State(OutputFile out, const std::string& name, CsvWriteOptions how)
      : file(std::move(out)), options(std::move(how)), packer(PackingForName(name)) {}

  Result<void> Write(const std::string& text, bool last) {
    std::string packed;
    packer.Add(text, last, packed);
    return file.Write(packed);
  }
};

CsvWriter::CsvWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CsvWriter::~CsvWriter() = default;
CsvWriter::CsvWriter(CsvWriter&&) noexcept = default;
CsvWriter& CsvWriter::operator=(CsvWriter&&) noexcept = default;

Result<CsvWriter> CsvWriter::Create(const std::string& path, const CsvWriteOptions& options) {
  DML_TRY(OutputFile file, OutputFile::Create(path));
  return CsvWriter(std::make_unique<State>(std::move(file), path, options));
}

Result<void> CsvWriter::Append(const Batch& batch) {
  std::string out;
  if (!std::exchange(state_->begun, true) && state_->options.header) {
    DML_RETURN_IF_ERROR(CheckNames(batch.schema));
    AppendHeader(out, batch.schema, state_->options.delimiter);
  }
  DML_RETURN_IF_ERROR(CheckTexts(batch, state_->rows));
  state_->rows += batch.rows;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    AppendRow(out, batch, row, state_->options);
    if (out.size() < kBlock) continue;
    DML_RETURN_IF_ERROR(state_->Write(out, /*last=*/false));
    out.clear();
  }
  return state_->Write(out, /*last=*/false);
}

Result<void> CsvWriter::Commit() {
  DML_RETURN_IF_ERROR(state_->Write("", /*last=*/true));
  return state_->file.Commit();
}

std::string FormatCsv(const Batch& batch, const CsvWriteOptions& options) {
  std::string out;
  if (options.header) AppendHeader(out, batch.schema, options.delimiter);
  for (std::size_t row = 0; row < batch.rows; ++row) AppendRow(out, batch, row, options);
  return out;
}

}  // namespace dml::table
