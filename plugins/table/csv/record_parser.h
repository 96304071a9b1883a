#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/csv/cell_scan.h"
#include "plugins/table/csv/column_sink.h"

namespace dml::table {

// A longer record is refused: most likely its quote is never closed, and memory has to suffice.
inline constexpr std::size_t kRecordBytesMax = std::size_t{64} << 20;

// Why a record cannot be read, in terms of the text at hand.
struct RecordProblem {
  std::size_t offset = 0;  // of the record within the text
  std::size_t row = 0;     // rows completed before it
  int column = -1;         // -1: the record as a whole
  std::string message;
  std::string hint;
};

// A cell as messages show it: its beginning, in printable characters.
[[nodiscard]] std::string CellExcerpt(std::string_view text);

// Turns records into cells of column sinks. One object per thread.
class RecordParser {
 public:
  RecordParser(const Dialect& dialect, std::vector<std::string> names)
      : dialect_(dialect), names_(std::move(names)), sinks_(names_.size()) {}

  // Starts a partition under these beliefs.
  void Reset(const std::vector<ColumnPlan>& plans);

  enum class Stop { kLimit, kNeedMore, kProblem };
  struct Outcome {
    Stop stop = Stop::kLimit;
    std::size_t position = 0;  // of the first item not consumed
  };
  // Parses the items (records, blank lines, comments) of text[0, size) that start in [begin,
  // limit). `complete`: the text ends where its file ends; else an item close to the end stops the
  // parse with kNeedMore. The text is followed by kScanPadding zeros.
  Outcome Parse(const char* text, std::size_t size, std::size_t begin, std::size_t limit,
                bool complete);

  [[nodiscard]] const RecordProblem& problem() const { return problem_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::vector<ColumnSink>& sinks() { return sinks_; }
  [[nodiscard]] bool misfit() const;
  [[nodiscard]] std::vector<ColumnPlan> Widened() const;

 private:
  // Past the cell that starts at `at`, or null after setting problem_.
  const char* ParseCell(const char* at, const char* end, std::size_t column);
  const char* ParseRecord(const char* at, const char* end);
  void RefuseCell(int column, std::string_view text, const ColumnPlan& plan);
  bool Fail(int column, std::string message, std::string hint);
  const char* EatNumber(const char* at, const char* end, ColumnSink& sink) const;
  void PadRecord(std::size_t found);
  // The problem of the item at `at`, of which [at, seen) is known to be a part.
  Outcome StopAt(const char* text, const char* at, const char* seen, bool cut);
  bool FailLongRecord(const char* at, const char* end);

  const Dialect& dialect_;
  std::vector<std::string> names_;
  std::vector<ColumnSink> sinks_;
  std::size_t rows_ = 0;
  std::string scratch_;
  const char* safe_ = nullptr;  // cells that reach to here may go on in the next bytes of the file
  bool cut_ = false;            // such a cell ended the record
  bool endless_ = false;        // a quote that the text does not close ended it
  RecordProblem problem_;
};

// The fields of the record at `at`, as text; `next` is set to its end. For headers: spaces around a
// field are no part of a name unless quotes hold them, and with `trim` not even then.
enum class Spaces { kKept, kOfNames };
std::vector<std::string> SplitRecord(const char* at, const char* end, const Dialect& dialect,
                                     const char*& next, ScanError& error,
                                     Spaces spaces = Spaces::kKept);

}  // namespace dml::table
