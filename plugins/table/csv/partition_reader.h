#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/table/csv/record_parser.h"
#include "plugins/table/csv/text_source.h"

namespace dml::table {

// The records that start in [begin, end) of the whole text.
struct PartitionRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// A problem, located in the whole text.
struct CsvProblem {
  std::size_t file = 0;
  std::uint64_t offset = 0;  // of the record within the file
  RecordProblem record;
};

// One partition as read.
struct PartitionOutcome {
  std::uint64_t start = 0;  // where reading began
  std::uint64_t end = 0;    // of its last record: where the next partition has to start
  std::uint64_t rows = 0;
  std::vector<ColumnPlan> plans;  // widened to what its cells are
  std::vector<std::uint64_t> missing;
  std::vector<std::optional<InexactCell>> rounded;  // of each column, its rows counted from here
  std::vector<bool> overflows;  // whether a number of the column is beyond float64
  std::vector<std::shared_ptr<const Dictionary>> dictionaries;  // of category columns, else null
  std::optional<CsvProblem> problem;                            // in the text
};

// Reads partitions, one at a time, into partition files. One object per thread; the buffers are
// kept from partition to partition.
class PartitionReader {
 public:
  PartitionReader(const TextSource& source, const Dialect& dialect,
                  const std::vector<std::string>& names, std::string directory)
      : source_(source),
        dialect_(dialect),
        names_(names),
        directory_(std::move(directory)),
        parser_(dialect, names) {}

  // Where the first record of a range probably starts: exact unless the range begins inside a
  // quoted field that cannot be told from the text around it.
  [[nodiscard]] Result<std::uint64_t> GuessStart(const PartitionRange& range);

  // Reads the records from `start` up to the end of the range and writes them as partition
  // `number`, starting from these beliefs about the columns. Problems of the text are part of the
  // outcome; errors are those of the machine.
  Result<PartitionOutcome> Read(std::size_t number, const PartitionRange& range,
                                std::uint64_t start, std::vector<ColumnPlan> plans);

  // The first cell that does not fit what these plans declare; nothing is written.
  Result<std::optional<CsvProblem>> FirstMisfit(const PartitionRange& range, std::uint64_t start,
                                                const std::vector<ColumnPlan>& plans);

 private:
  // Parses the whole range under fixed beliefs.
  Result<std::optional<CsvProblem>> Parse(const PartitionRange& range, std::uint64_t start,
                                          std::uint64_t& end);
  Result<std::optional<CsvProblem>> ParseFile(std::size_t index, std::uint64_t limit,
                                              std::uint64_t& offset);
  Result<void> Write(std::size_t number, PartitionOutcome& outcome);
  Result<void> Load(const TextSource::File& file, std::uint64_t offset, std::size_t size);

  const TextSource& source_;
  const Dialect& dialect_;
  const std::vector<std::string>& names_;
  std::string directory_;
  RecordParser parser_;
  // Text [text_begin_, text_begin_ + text_size_) of a file, followed by padding.
  std::vector<char> text_;
  std::uint64_t text_begin_ = 0;
  std::size_t text_size_ = 0;
};

}  // namespace dml::table
