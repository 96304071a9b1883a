// The load as a whole. Partitions are read in parallel under two guesses: where their first record
// starts, and what type each column has. Both are verified: a partition counts once its start is
// the end of the one before, and its types are what its cells are. What was guessed wrong is read
// again, so the table depends neither on the guesses nor on threads.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/quantity.h"
#include "plugins/table/csv/csv.h"
#include "plugins/table/csv/ledger.h"
#include "plugins/table/csv/odd_cells.h"
#include "plugins/table/csv/prologue.h"
#include "plugins/table/parallel_partitions.h"
#include "plugins/table/partition_file.h"

namespace dml::table {

namespace {

constexpr std::uint64_t kAutoPartitionBytes = std::uint64_t{32} << 20;
// A table of mistakes is told of by its first columns.
constexpr std::size_t kOddColumnsTold = 5;
// Text, columns and growth of the buffers, per byte of partition.
constexpr std::int64_t kMemoryPerByte = 3;

Result<std::vector<PartitionRange>> Cut(const Partitioning& partitioning, std::uint64_t size) {
  const auto value = static_cast<std::uint64_t>(partitioning.value);
  std::uint64_t step = std::max(kAutoPartitionBytes, size / kPartitionsMax + 1);
  std::uint64_t count = 0;
  if (partitioning.kind == Partitioning::Kind::kBytes) step = value;
  if (partitioning.kind == Partitioning::Kind::kCount) {
    count = value;
    step = std::max<std::uint64_t>(1, (size + count - 1) / count);
  }
  if (size / step > kPartitionsMax) {
    return Error::Invalid(fmt::format("partitions of {} cut this text into more than {}",
                                      FormatSize(partitioning.value), kPartitionsMax),
                          "make them larger");
  }
  std::vector<PartitionRange> ranges;
  for (std::uint64_t begin = 0; begin < size; begin += step) {
    ranges.push_back({begin, std::min(begin + step, size)});
  }
  while (ranges.size() < count) ranges.push_back({size, size});
  return ranges;
}

// One load, from the open text to the table.
class CsvLoad {
 public:
  CsvLoad(TextSource& source, Prologue prologue, std::vector<PartitionRange> ranges,
          const std::string& directory, const LoadExecution& execution)
      : source_(source),
        prologue_(std::move(prologue)),
        ranges_(std::move(ranges)),
        directory_(directory),
        execution_(execution) {}

  Result<LoadReport> Run();

 private:
  [[nodiscard]] int Threads() const;
  PartitionReader MakeReader() const {
    return PartitionReader(source_, prologue_.dialect, prologue_.names, directory_);
  }
  Result<void> ReadAll();
  void ReadJobs(Ledger& ledger) const;
  Result<void> ReadAgain();
  void DecideText();
  Result<void> RefuseOverflow();
  Result<LoadReport> Report() const;
  [[nodiscard]] std::optional<InexactCell> FirstRounded(std::size_t column) const;
  Result<void> WarnOfOddCells(LoadReport& report) const;
  Result<std::string> PlaceOf(const OddColumn& odd) const;
  [[nodiscard]] Result<std::uint64_t> LineOf(const CsvProblem& problem) const;
  [[nodiscard]] Error Locate(const CsvProblem& problem) const;
  void Progress(double fraction) const {
    if (execution_.progress) execution_.progress(fraction, "");
  }

  TextSource& source_;
  Prologue prologue_;
  std::vector<PartitionRange> ranges_;
  std::string directory_;
  const LoadExecution& execution_;
  std::vector<ColumnPlan> plans_;
  std::vector<PartitionOutcome> outcomes_;
};

int CsvLoad::Threads() const {
  auto threads = static_cast<std::int64_t>(std::min<std::size_t>(
      static_cast<std::size_t>(std::max(1, execution_.threads)), ranges_.size()));
  if (execution_.memory_bytes > 0) {
    const auto largest = static_cast<std::int64_t>(ranges_.front().end - ranges_.front().begin);
    const std::int64_t each = std::max<std::int64_t>(1, largest) * kMemoryPerByte;
    threads = std::clamp<std::int64_t>(execution_.memory_bytes / each, 1, threads);
  }
  return static_cast<int>(threads);
}

void CsvLoad::ReadJobs(Ledger& ledger) const {
  PartitionReader reader = MakeReader();
  while (auto job = ledger.Take()) {
    if (execution_.stop.stop_requested()) return ledger.Fail(Error::Cancelled("stopped"));
    if (!job->start) {
      auto guess = reader.GuessStart(job->range);
      if (!guess.ok()) return ledger.Fail(std::move(guess).error());
      job->start = *guess;
    }
    auto outcome = reader.Read(job->number, job->range, *job->start, std::move(job->plans));
    if (!outcome.ok()) return ledger.Fail(std::move(outcome).error());
    ledger.Post(job->number, std::move(outcome).value());
    Progress(ledger.Fraction());
  }
}

Result<void> CsvLoad::ReadAll() {
  const TextSource::File& first = source_.files().front();
  Ledger ledger(ranges_, prologue_.plans, first.base + first.body);
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < Threads(); ++i) threads.emplace_back([&] { ReadJobs(ledger); });
    ReadJobs(ledger);
  }
  DML_TRY(Ledger::Summary summary, std::move(ledger).Finish());
  if (summary.problem) return Locate(*summary.problem);
  plans_ = std::move(summary.plans);
  outcomes_ = std::move(summary.outcomes);
  return {};
}

// Reads those partitions again that are stored in another type than the plans say.
Result<void> CsvLoad::ReadAgain() {
  std::vector<std::size_t> stale;
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    const bool fits = std::ranges::equal(outcomes_[i].plans, plans_, {}, &ColumnPlan::Stored,
                                         &ColumnPlan::Stored);
    if (!fits) stale.push_back(i);
  }
  LoadExecution again = execution_;
  again.threads = Threads();
  again.progress = nullptr;  // it has told of these partitions before
  return ForEachPartition(stale.size(), again, [&](std::size_t i) -> Result<void> {
    const std::size_t number = stale[i];
    PartitionReader reader = MakeReader();
    DML_TRY(outcomes_[number],
            reader.Read(number, ranges_[number], outcomes_[number].start, plans_));
    return {};
  });
}

// A number beyond float64 in a column of floats. The first partition that has one is read again
// with its types declared, which finds the cell.
Result<void> CsvLoad::RefuseOverflow() {
  std::uint64_t rows_before = 0;
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    std::vector<ColumnPlan> strict = plans_;
    bool any = false;
    for (std::size_t c = 0; c < plans_.size(); ++c) {
      strict[c].fixed = outcomes_[i].overflows[c] && plans_[c].Stored() == ColumnType::kFloat64;
      any = any || strict[c].fixed;
    }
    if (any) {
      PartitionReader reader = MakeReader();
      DML_TRY(PartitionOutcome outcome,
              reader.Read(i, ranges_[i], outcomes_[i].start, std::move(strict)));
      DML_CHECK(outcome.problem.has_value(), "the number is still there");
      outcome.problem->record.row += static_cast<std::size_t>(rows_before);
      return Locate(*outcome.problem);
    }
    rows_before += outcomes_[i].rows;
  }
  return {};
}

// Text columns become categories or strings, by all their values.
void CsvLoad::DecideText() {
  for (std::size_t c = 0; c < plans_.size(); ++c) {
    if (plans_[c].type != CellType::kText || plans_[c].text != TextForm::kTry) continue;
    std::set<std::string> values;
    std::uint64_t present = 0;
    bool too_many = false;
    for (const PartitionOutcome& part : outcomes_) {
      present += part.rows - part.missing[c];
      too_many = too_many || part.plans[c].text == TextForm::kString;
      if (too_many || part.dictionaries[c] == nullptr) continue;
      values.insert(part.dictionaries[c]->begin(), part.dictionaries[c]->end());
      too_many = values.size() > kCategoriesMax;
    }
    plans_[c].text = !too_many && AreCategories(values.size(), present) ? TextForm::kCategory
                                                                        : TextForm::kString;
  }
}

// In the terms of an editor. Lines are only counted when there is something to show.
Result<std::uint64_t> CsvLoad::LineOf(const CsvProblem& problem) const {
  const TextSource::File& file = source_.files()[problem.file];
  std::vector<char> block(std::size_t{1} << 20);
  std::uint64_t line = 1;
  bool after_return = false;
  for (std::uint64_t at = 0; at < problem.offset;) {
    const auto want = std::min<std::uint64_t>(block.size(), problem.offset - at);
    const auto got = source_.ReadAt(file, at, block.data(), static_cast<std::size_t>(want));
    if (!got.ok()) return got.error();
    for (std::size_t i = 0; i < *got; ++i) {
      line += block[i] == '\r' || (block[i] == '\n' && !after_return);
      after_return = block[i] == '\r';
    }
    at += *got;
  }
  return line;
}

Error CsvLoad::Locate(const CsvProblem& problem) const {
  const TextSource::File& file = source_.files()[problem.file];
  const Result<std::uint64_t> line = LineOf(problem);
  if (!line.ok()) return line.error();
  const RecordProblem& record = problem.record;
  const std::string column =
      record.column < 0
          ? ""
          : fmt::format(", column '{}'", prologue_.names[static_cast<std::size_t>(record.column)]);
  return Error::Invalid(fmt::format("row {}{} {}", record.row + 1, column, record.message),
                        record.hint)
      .At(fmt::format("{}:{}", file.path, *line));
}

std::optional<InexactCell> CsvLoad::FirstRounded(std::size_t column) const {
  std::uint64_t rows_before = 0;
  for (const PartitionOutcome& part : outcomes_) {
    if (auto cell = part.rounded[column]) {
      cell->row += rows_before;
      return cell;
    }
    rows_before += part.rows;
  }
  return std::nullopt;
}

// "line 32", and of which file if there are several. The partition is read again with the column
// declared, up to the cell.
Result<std::string> CsvLoad::PlaceOf(const OddColumn& odd) const {
  std::vector<ColumnPlan> strict = plans_;
  strict[odd.column] = {odd.like, TextForm::kTry, false, true};
  PartitionReader reader = MakeReader();
  DML_TRY(const auto problem,
          reader.FirstMisfit(ranges_[odd.partition], outcomes_[odd.partition].start, strict));
  if (!problem || problem->record.row != odd.row) {  // the file is being changed
    std::uint64_t row = odd.row + 1;
    for (std::size_t p = 0; p < odd.partition; ++p) row += outcomes_[p].rows;
    return fmt::format("row {}", row);
  }
  DML_TRY(const std::uint64_t line, LineOf(*problem));
  if (source_.files().size() == 1) return fmt::format("line {}", line);
  return fmt::format("line {} of '{}'", line, source_.files()[problem->file].path);
}

Result<void> CsvLoad::WarnOfOddCells(LoadReport& report) const {
  std::vector<std::uint64_t> present(plans_.size());
  for (std::size_t c = 0; c < plans_.size(); ++c) {
    if (plans_[c].type != CellType::kText || plans_[c].fixed) continue;
    present[c] = report.rows - report.missing[c];
  }
  DML_TRY(const std::vector<OddColumn> found,
          FindOddColumns(directory_, ranges_.size(), report.schema, present, prologue_.dialect,
                         execution_.stop));
  for (std::size_t i = 0; i < std::min(found.size(), kOddColumnsTold); ++i) {
    DML_TRY(const std::string place, PlaceOf(found[i]));
    report.warnings.push_back(OddColumnWarning(prologue_.names[found[i].column], found[i], place));
  }
  if (found.size() > kOddColumnsTold) {
    report.warnings.push_back(
        fmt::format("{} more columns are text for a few cells that are no numbers or times.",
                    found.size() - kOddColumnsTold));
  }
  return {};
}

Result<LoadReport> CsvLoad::Report() const {
  LoadReport report;
  report.warnings = prologue_.warnings;
  report.bytes = static_cast<std::int64_t>(source_.size());
  report.missing.resize(plans_.size());
  for (const PartitionOutcome& part : outcomes_) {
    report.rows += part.rows;
    report.partition_rows.push_back(part.rows);
    for (std::size_t c = 0; c < plans_.size(); ++c) report.missing[c] += part.missing[c];
  }
  for (std::size_t c = 0; c < plans_.size(); ++c) {
    report.schema.fields.push_back({prologue_.names[c], plans_[c].Stored(), 1});
    if (plans_[c].type == CellType::kWhole) {
      report.warnings.push_back(RoundingWarning(prologue_.names[c]));
    }
    if (plans_[c].type == CellType::kFloat64 && !plans_[c].fixed) {
      if (const auto cell = FirstRounded(c)) {
        report.warnings.push_back(RoundingWarning(prologue_.names[c], *cell));
      }
    }
    if (report.rows > 0 && report.missing[c] == report.rows) {
      report.warnings.push_back(
          fmt::format("Column '{}' has no value in any row.", prologue_.names[c]));
    }
  }
  if (report.rows == 0) {
    return Error::Invalid(fmt::format("'{}' has a header but no rows", source_.files()[0].path),
                          "check the file and the options header and skip_rows");
  }
  DML_RETURN_IF_ERROR(WarnOfOddCells(report));
  DML_RETURN_IF_ERROR(WriteTableIndex(directory_, report.schema, report.partition_rows));
  return report;
}

Result<LoadReport> CsvLoad::Run() {
  DML_RETURN_IF_ERROR(ReadAll());
  // First all partitions get their final types, so that all text has been seen as text.
  DML_RETURN_IF_ERROR(ReadAgain());
  DML_RETURN_IF_ERROR(RefuseOverflow());
  DecideText();
  DML_RETURN_IF_ERROR(ReadAgain());
  return Report();
}

}  // namespace

Result<LoadReport> LoadCsv(const CsvOptions& options, const std::string& directory,
                           const LoadExecution& execution) {
  DML_TRY(const auto source, TextSource::Open(options.paths, options.encoding, directory));
  DML_TRY(Prologue prologue, ReadPrologue(options, *source));
  DML_TRY(std::vector<PartitionRange> ranges, Cut(options.partitions, source->size()));
  const std::size_t count = ranges.size();
  auto report =
      CsvLoad(*source, std::move(prologue), std::move(ranges), directory, execution).Run();
  if (!report.ok()) {
    for (std::size_t i = 0; i < count; ++i) {
      ::unlink((directory + "/" + PartitionFileName(i)).c_str());
    }
  }
  return report;
}

}  // namespace dml::table
