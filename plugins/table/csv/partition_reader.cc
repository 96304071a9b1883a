#include "plugins/table/csv/partition_reader.h"

#include <algorithm>
#include <cstring>

#include "plugins/table/partition_file.h"

namespace dml::table {

namespace {

// Read past the end of a range at first, for its last record; doubled while that does not suffice.
constexpr std::size_t kOverlapBytes = std::size_t{1} << 16;

// What a stretch of text looks like if it begins inside or outside quotes.
struct Hypothesis {
  std::size_t oddities = 0;      // quotes in places where none belongs
  std::size_t start = SIZE_MAX;  // the first item; SIZE_MAX if there is none
};

Hypothesis Examine(const char* text, std::size_t size, bool quoted, const Dialect& dialect) {
  Hypothesis found;
  const char* const end = text + size;
  bool field_start = false;  // unknown at first: a quote there may be anything
  bool known = false;
  for (const char* at = text; at < end;) {
    if (quoted) {
      const auto* quote = static_cast<const char*>(
          std::memchr(at, dialect.quote, static_cast<std::size_t>(end - at)));
      if (quote == nullptr || quote + 1 >= end) break;
      at = quote + 1;
      if (*at == dialect.quote) {
        ++at;
        continue;
      }
      quoted = false;
      known = true;
      field_start = false;
      if (!AtRecordEnd(at, end) && !AtDelimiter(at, dialect) && *at != ' ') ++found.oddities;
      continue;
    }
    if (*at == '\n' || *at == '\r') {
      at = SkipLineBreak(at);
      if (found.start == SIZE_MAX) found.start = static_cast<std::size_t>(at - text);
      field_start = known = true;
    } else if (AtDelimiter(at, dialect)) {
      at += dialect.delimiter.size();
      field_start = known = true;
    } else if (*at == dialect.quote) {
      if (field_start) {
        quoted = true;
      } else if (known) {
        ++found.oddities;
      }
      ++at;
    } else {
      field_start = field_start && dialect.trim && *at == ' ';
      known = true;
      ++at;
    }
  }
  return found;
}

}  // namespace

Result<void> PartitionReader::Load(const TextSource::File& file, std::uint64_t offset,
                                   std::size_t size) {
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, file.size - offset));
  if (text_.size() < size + kScanPadding) text_.resize(size + kScanPadding);
  text_begin_ = offset;
  DML_TRY(text_size_, source_.ReadAt(file, offset, text_.data(), size));
  std::fill_n(text_.begin() + static_cast<std::ptrdiff_t>(text_size_), kScanPadding, '\0');
  return {};
}

Result<std::uint64_t> PartitionReader::GuessStart(const PartitionRange& range) {
  const TextSource::File& file = source_.files()[source_.FileAt(range.begin)];
  const std::uint64_t offset = range.begin - file.base;
  if (offset <= file.body) return file.base + file.body;
  // From the byte before, so that a record that starts exactly here is seen.
  DML_RETURN_IF_ERROR(Load(file, offset - 1, kOverlapBytes));
  Hypothesis best = Examine(text_.data(), text_size_, /*quoted=*/false, dialect_);
  if (dialect_.has_quote) {
    const Hypothesis inside = Examine(text_.data(), text_size_, /*quoted=*/true, dialect_);
    if (inside.oddities < best.oddities) best = inside;
  }
  if (best.start == SIZE_MAX) return range.end;
  return file.base + offset - 1 + best.start;
}

Result<std::optional<CsvProblem>> PartitionReader::ParseFile(std::size_t index, std::uint64_t limit,
                                                             std::uint64_t& offset) {
  const TextSource::File& file = source_.files()[index];
  limit = std::min(limit, file.size);
  std::size_t overlap = kOverlapBytes;
  while (offset < limit) {
    DML_RETURN_IF_ERROR(Load(file, offset, static_cast<std::size_t>(limit - offset) + overlap));
    const bool complete = text_begin_ + text_size_ == file.size;
    const auto outcome = parser_.Parse(text_.data(), text_size_, 0,
                                       static_cast<std::size_t>(limit - text_begin_), complete);
    offset = text_begin_ + outcome.position;
    switch (outcome.stop) {
      case RecordParser::Stop::kLimit:
        return std::optional<CsvProblem>();
      case RecordParser::Stop::kProblem:
        return std::optional(CsvProblem{index, offset, parser_.problem()});
      case RecordParser::Stop::kNeedMore:
        break;
    }
    overlap *= 2;
  }
  return std::optional<CsvProblem>();
}

Result<std::optional<CsvProblem>> PartitionReader::Parse(const PartitionRange& range,
                                                         std::uint64_t start, std::uint64_t& end) {
  end = start;
  while (end < range.end) {
    const std::size_t index = source_.FileAt(end);
    const TextSource::File& file = source_.files()[index];
    std::uint64_t offset = end - file.base;
    DML_TRY(auto problem, ParseFile(index, range.end - file.base, offset));
    end = file.base + offset;
    if (problem) return problem;
    if (offset < file.size) continue;
    // The next file's records begin after its header.
    end = index + 1 < source_.files().size()
              ? source_.files()[index + 1].base + source_.files()[index + 1].body
              : source_.size();
    if (index + 1 == source_.files().size()) break;
  }
  return std::optional<CsvProblem>();
}

Result<PartitionOutcome> PartitionReader::Read(std::size_t number, const PartitionRange& range,
                                               std::uint64_t start, std::vector<ColumnPlan> plans) {
  PartitionOutcome outcome;
  outcome.start = start;
  // A second round knows the type of every cell, so it fits.
  while (true) {
    parser_.Reset(plans);
    DML_TRY(outcome.problem, Parse(range, start, outcome.end));
    if (outcome.problem) return outcome;
    if (!parser_.misfit()) break;
    plans = parser_.Widened();
  }
  outcome.rows = parser_.rows();
  DML_RETURN_IF_ERROR(Write(number, outcome));
  return outcome;
}

Result<std::optional<CsvProblem>> PartitionReader::FirstMisfit(
    const PartitionRange& range, std::uint64_t start, const std::vector<ColumnPlan>& plans) {
  parser_.Reset(plans);
  std::uint64_t end = start;
  return Parse(range, start, end);
}

Result<void> PartitionReader::Write(std::size_t number, PartitionOutcome& outcome) {
  Batch batch;
  batch.rows = static_cast<std::size_t>(outcome.rows);
  for (std::size_t i = 0; i < names_.size(); ++i) {
    ColumnSink& sink = parser_.sinks()[i];
    outcome.plans.push_back(sink.plan());
    outcome.missing.push_back(sink.missing());
    outcome.rounded.push_back(sink.rounded());
    outcome.overflows.push_back(sink.overflows());
    outcome.dictionaries.emplace_back();
    batch.columns.push_back(sink.Finish(batch.rows, outcome.dictionaries.back()));
    batch.schema.fields.push_back({names_[i], batch.columns.back().type(), 1});
  }
  return WritePartitionFile(directory_ + "/" + PartitionFileName(number), batch);
}

}  // namespace dml::table
