#include "plugins/table/csv/write_csv.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

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

void AppendHeader(std::string& out, const Schema& schema, char delimiter) {
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (i > 0) out += delimiter;
    AppendText(out, schema.fields[i].name, delimiter);
  }
  out += '\n';
}

void AppendRow(std::string& out, const Batch& batch, std::size_t row,
               const CsvWriteOptions& options) {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    if (i > 0) out += options.delimiter;
    AppendCell(out, batch.columns[i], row, options);
  }
  // A blank line would be no record.
  if (out.size() == begin) out += "\"\"";
  out += '\n';
}

}  // namespace

struct CsvWriter::State {
  std::string path;
  std::string temporary;
  CsvWriteOptions options;
  Packer packer;
  int fd = -1;
  bool begun = false;

  State(const std::string& name, const CsvWriteOptions& how)
      : path(name),
        temporary(fmt::format("{}.tmp{}", name, ::getpid())),
        options(how),
        packer(PackingForName(name)) {}

  Result<void> Write(const std::string& rows, bool last) {
    std::string packed;
    packer.Add(rows, last, packed);
    std::string_view text = packed;
    while (!text.empty()) {
      const ssize_t written = ::write(fd, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Error::System("cannot write '" + path + "'", errno);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  ~State() {
    if (fd < 0) return;
    ::close(fd);
    ::unlink(temporary.c_str());
  }
};

CsvWriter::CsvWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CsvWriter::~CsvWriter() = default;
CsvWriter::CsvWriter(CsvWriter&&) noexcept = default;
CsvWriter& CsvWriter::operator=(CsvWriter&&) noexcept = default;

Result<CsvWriter> CsvWriter::Create(const std::string& path, const CsvWriteOptions& options) {
  auto state = std::make_unique<State>(path, options);
  state->fd = ::open(state->temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (state->fd < 0) return Error::System("cannot create '" + path + "'", errno);
  return CsvWriter(std::move(state));
}

Result<void> CsvWriter::Append(const Batch& batch) {
  std::string out;
  if (!std::exchange(state_->begun, true) && state_->options.header) {
    AppendHeader(out, batch.schema, state_->options.delimiter);
  }
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
  if (::fsync(state_->fd) != 0 && errno != EINVAL) {
    return Error::System("cannot sync '" + state_->path + "'", errno);
  }
  if (::rename(state_->temporary.c_str(), state_->path.c_str()) != 0) {
    return Error::System("cannot rename to '" + state_->path + "'", errno);
  }
  ::close(std::exchange(state_->fd, -1));
  return {};
}

std::string FormatCsv(const Batch& batch, const CsvWriteOptions& options) {
  std::string out;
  if (options.header) AppendHeader(out, batch.schema, options.delimiter);
  for (std::size_t row = 0; row < batch.rows; ++row) AppendRow(out, batch, row, options);
  return out;
}

}  // namespace dml::table
