#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "plugins/table/column.h"
#include "plugins/table/csv/cell_type.h"
#include "plugins/table/interner.h"

namespace dml::table {

// How a text column is held.
enum class TextForm {
  kTry,       // as a category until it has more than kCategoriesMax distinct values
  kCategory,  // as a category, however many
  kString,
};

// What is believed of a column before a partition is read.
struct ColumnPlan {
  CellType type = CellType::kNothing;
  TextForm text = TextForm::kTry;
  bool float32 = false;  // of a kFloat64
  bool fixed = false;    // declared by the user: a cell that does not fit is an error

  [[nodiscard]] ColumnType Stored() const;  // kTry counts as a category
  friend bool operator==(const ColumnPlan&, const ColumnPlan&) = default;
};

// Collects the cells of one column of one partition. The buffers are reused from partition to
// partition. Not thread-safe.
class ColumnSink {
 public:
  void Reset(const ColumnPlan& plan, const Dialect& dialect);

  [[nodiscard]] const ColumnPlan& plan() const { return plan_; }
  // The plan widened by the cells that did not fit; equal to plan() if all did.
  [[nodiscard]] ColumnPlan Widened() const;
  [[nodiscard]] bool misfit() const { return seen_ != CellType::kNothing; }

  // Whether PushDouble or PushInt64 may be called: not after a misfit, and not with a decimal mark
  // or an element type that the fast path does not know.
  [[nodiscard]] bool takes_doubles() const { return fast_ == Fast::kDoubles; }
  [[nodiscard]] bool takes_integers() const { return fast_ == Fast::kIntegers; }
  // `text` is what the value was read from.
  void PushDouble(double value, std::string_view text) {
    if (value >= kInexactFrom || value <= -kInexactFrom) NoteInexact(text, value);
    doubles_.push_back(value);
  }
  void PushInt64(std::int64_t value) { integers_.push_back(value); }
  void PushText(std::string_view text);
  void PushMissing(std::size_t row);
  // Any cell that is not missing; false if it does not fit a fixed plan. Once a cell has not
  // fitted, the column only gathers the types of its cells.
  [[nodiscard]] bool PushCell(std::string_view text, const Dialect& dialect);

  // Forgets the rows from `rows` on.
  void Truncate(std::size_t rows);

  // The column, borrowing this sink's buffers until the next Reset(). `dictionary` receives the
  // distinct values of a category.
  [[nodiscard]] Column Finish(std::size_t rows, std::shared_ptr<const Dictionary>& dictionary);
  [[nodiscard]] std::size_t missing() const { return missing_.size(); }
  // The first whole number that float64 rounds, and whether a number is too large to be held at
  // all: both matter only if the column remains one of floats.
  [[nodiscard]] const std::optional<InexactCell>& rounded() const { return rounded_; }
  [[nodiscard]] bool overflows() const { return overflows_; }

 private:
  static constexpr double kInexactFrom = 0x1p53;

  void NoteInexact(std::string_view text, double value);
  [[nodiscard]] bool StoreFloat(std::string_view text, double value);
  [[nodiscard]] bool Store(std::string_view text, const Dialect& dialect);
  void SpillToString();

  enum class Fast { kNone, kDoubles, kIntegers };

  ColumnPlan plan_;
  Fast fast_ = Fast::kNone;
  CellType seen_ = CellType::kNothing;  // join of the cells from the first misfit on
  std::vector<double> doubles_;
  std::vector<float> floats_;
  std::vector<std::int64_t> integers_;
  std::vector<std::uint8_t> bools_;
  std::vector<std::int32_t> codes_;
  Interner interner_;
  std::vector<std::int64_t> offsets_;
  std::vector<char> bytes_;
  std::vector<std::uint32_t> missing_;
  std::vector<std::uint8_t> validity_;
  std::optional<InexactCell> rounded_;
  bool overflows_ = false;
};

}  // namespace dml::table
