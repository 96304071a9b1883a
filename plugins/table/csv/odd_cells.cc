#include "plugins/table/csv/odd_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/tensor_file.h"
#include "plugins/table/csv/number.h"
#include "plugins/table/csv/record_parser.h"
#include "plugins/table/partition_file.h"

namespace dml::table {

namespace {

constexpr std::uint64_t kPresentMin = 20;
constexpr std::uint64_t kOneOddIn = 20;
constexpr std::size_t kOddTextsMax = 100;

// What a cell would be in a column of numbers, and in one of times.
struct CellFit {
  bool known = false;
  bool number = false;
  bool time = false;
  bool key = false;
};

// As the sink of such a column would take it.
CellFit FitOf(std::string_view text, const Dialect& dialect) {
  text = StripSpaces(text);
  if (dialect.IsNull(text)) return {true, true, true, false};
  if (HasLeadingZero(text)) return {true, false, false, true};
  const auto number = ParseDouble(text, dialect.decimal);
  return {true, number && !Overflows(text, *number), dialect.ParseTime(text).has_value(), false};
}

// The odd cells of one column, in the order of its rows, as one of numbers or of times.
class OddCellTally {
 public:
  explicit OddCellTally(CellType like) { found_.like = like; }

  void Note(std::string_view text, bool seen_before, std::size_t partition, std::uint64_t row) {
    if (closed_) return;
    if (found_.odd++ == 0) {
      found_.partition = partition;
      found_.row = row;
      found_.text = text;
    }
    if (!seen_before) texts_.emplace(text);
    if (found_.odd * kOneOddIn > found_.present || texts_.size() > kOddTextsMax) Close();
  }
  void Close() {
    closed_ = true;
    texts_.clear();
  }
  [[nodiscard]] bool closed() const { return closed_; }
  void Begin(std::size_t column, std::uint64_t present) {
    found_.column = column;
    found_.present = present;
    closed_ = present < kPresentMin;
  }
  [[nodiscard]] std::optional<OddColumn> Found() const {
    return closed_ || found_.odd == 0 ? std::nullopt : std::optional(found_);
  }

 private:
  OddColumn found_;
  bool closed_ = false;
  std::unordered_set<std::string> texts_;
};

class OddColumnSurvey {
 public:
  OddColumnSurvey(std::size_t column, std::uint64_t present) : column_(column) {
    numbers_.Begin(column, present);
    times_.Begin(column, present);
  }

  [[nodiscard]] std::size_t column() const { return column_; }
  [[nodiscard]] bool closed() const { return numbers_.closed() && times_.closed(); }

  void Look(const Column& cells, std::size_t partition, const Dialect& dialect) {
    const bool category = cells.type() == ColumnType::kCategory;
    std::vector<CellFit> of_code(category ? cells.dictionary().size() : 0);
    for (std::size_t row = 0; row < cells.size() && !closed(); ++row) {
      if (!cells.IsValid(row)) continue;
      CellFit unknown;
      CellFit& fit = category ? of_code[static_cast<std::size_t>(cells.codes()[row])] : unknown;
      const bool seen_before = fit.known;
      if (!seen_before) fit = FitOf(cells.string(row), dialect);
      if (fit.key) return Close();
      if (!fit.number) numbers_.Note(cells.string(row), seen_before, partition, row);
      if (!fit.time) times_.Note(cells.string(row), seen_before, partition, row);
    }
  }
  [[nodiscard]] std::optional<OddColumn> Found() const {
    return numbers_.Found() ? numbers_.Found() : times_.Found();
  }

 private:
  void Close() {
    numbers_.Close();
    times_.Close();
  }

  std::size_t column_;
  OddCellTally numbers_{CellType::kFloat64};
  OddCellTally times_{CellType::kTimestamp};
};

}  // namespace

Result<std::vector<OddColumn>> FindOddColumns(const std::string& directory, std::size_t partitions,
                                              const Schema& schema,
                                              const std::vector<std::uint64_t>& present,
                                              const Dialect& dialect, const std::stop_token& stop) {
  std::vector<OddColumnSurvey> surveys;
  for (std::size_t c = 0; c < present.size(); ++c) {
    if (present[c] >= kPresentMin) surveys.emplace_back(c, present[c]);
  }
  for (std::size_t p = 0; p < partitions; ++p) {
    if (std::ranges::all_of(surveys, &OddColumnSurvey::closed)) break;
    if (stop.stop_requested()) return Error::Cancelled("stopped");
    const std::string path = directory + "/" + PartitionFileName(p);
    DML_TRY(auto tensors, TensorFile::Open(path));
    DML_TRY(const PartitionFile file, PartitionFile::Open(std::move(tensors), path));
    for (OddColumnSurvey& survey : surveys) {
      if (survey.closed()) continue;
      DML_TRY(const Column cells, file.ReadColumn(schema.fields[survey.column()]));
      survey.Look(cells, p, dialect);
    }
  }
  std::vector<OddColumn> found;
  for (const OddColumnSurvey& survey : surveys) {
    if (auto odd = survey.Found()) found.push_back(*std::move(odd));
  }
  return found;
}

std::string OddColumnWarning(std::string_view name, const OddColumn& odd, std::string_view place) {
  const bool times = odd.like == CellType::kTimestamp;
  return fmt::format(
      "All but {} of {} values of '{}' are {}, so that it is text: {} holds '{}'. List such a cell "
      "in null_values if it means missing (the list takes the place of NA, NaN and the like), "
      "declare types: {{{}: {}}} to refuse it, or as_text: [{}] if the column is text.",
      odd.odd, odd.present, name, times ? "times" : "numbers", place, CellExcerpt(odd.text), name,
      times ? "timestamp" : "float64", name);
}

}  // namespace dml::table
