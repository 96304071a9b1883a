#include "plugins/table/csv/column_sink.h"

#include <limits>

#include "plugins/table/csv/number.h"
#include "plugins/table/validity.h"

namespace dml::table {

ColumnType ColumnPlan::Stored() const {
  switch (type) {
    case CellType::kNothing:
    case CellType::kWhole:
    case CellType::kFloat64:
      return float32 ? ColumnType::kFloat32 : ColumnType::kFloat64;
    case CellType::kBool:
      return ColumnType::kBool;
    case CellType::kInt64:
      return ColumnType::kInt64;
    case CellType::kTimestamp:
      return ColumnType::kTimestamp;
    case CellType::kText:
      return text == TextForm::kString ? ColumnType::kString : ColumnType::kCategory;
  }
  DML_UNREACHABLE("every cell type is stored somehow");
}

void ColumnSink::Reset(const ColumnPlan& plan, const Dialect& dialect) {
  plan_ = plan;
  const bool plain_double =
      plan.type == CellType::kFloat64 && !plan.float32 && dialect.decimal == '.';
  fast_ = plain_double                    ? Fast::kDoubles
          : plan.type == CellType::kInt64 ? Fast::kIntegers
                                          : Fast::kNone;
  seen_ = CellType::kNothing;
  doubles_.clear();
  floats_.clear();
  integers_.clear();
  bools_.clear();
  codes_.clear();
  interner_.Clear();
  offsets_.assign(1, 0);
  bytes_.clear();
  missing_.clear();
  validity_.clear();
  rounded_.reset();
  overflows_ = false;
}

ColumnPlan ColumnSink::Widened() const {
  ColumnPlan plan = plan_;
  plan.type = JoinCellTypes(plan.type, seen_);
  return plan;
}

void ColumnSink::PushText(std::string_view text) {
  if (plan_.text != TextForm::kString) {
    codes_.push_back(interner_.Intern(text));
    if (plan_.text == TextForm::kTry && interner_.size() > kCategoriesMax) SpillToString();
    return;
  }
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  offsets_.push_back(static_cast<std::int64_t>(bytes_.size()));
}

void ColumnSink::SpillToString() {
  plan_.text = TextForm::kString;
  for (const std::int32_t code : codes_) {
    PushText(code < 0 ? std::string_view() : interner_.at(static_cast<std::size_t>(code)));
  }
  codes_.clear();
  interner_.Clear();
}

void ColumnSink::PushMissing(std::size_t row) {
  missing_.push_back(static_cast<std::uint32_t>(row));
  switch (plan_.Stored()) {
    case ColumnType::kFloat64:
      return doubles_.push_back(std::numeric_limits<double>::quiet_NaN());
    case ColumnType::kFloat32:
      return floats_.push_back(std::numeric_limits<float>::quiet_NaN());
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return integers_.push_back(0);
    case ColumnType::kBool:
      return bools_.push_back(0);
    case ColumnType::kCategory:
      return codes_.push_back(-1);
    case ColumnType::kString:
      return offsets_.push_back(offsets_.back());
    case ColumnType::kSparse:
      DML_UNREACHABLE("no text column is sparse");
  }
}

void ColumnSink::NoteInexact(std::string_view text, double value) {
  overflows_ = overflows_ || Overflows(text, value);
  if (!rounded_ && IsRoundedWhole(text)) rounded_ = {doubles_.size(), std::string(text)};
}

// Too large a number is an error where floats were asked for. Else the column may still turn out
// to be text, which holds it as it is.
bool ColumnSink::StoreFloat(std::string_view text, double value) {
  if (plan_.float32) {
    const auto narrow = static_cast<float>(value);
    if (Overflows(text, narrow)) return false;
    floats_.push_back(narrow);
    return true;
  }
  if (plan_.fixed && Overflows(text, value)) return false;
  PushDouble(value, text);
  return true;
}

bool ColumnSink::Store(std::string_view text, const Dialect& dialect) {
  switch (plan_.type) {
    case CellType::kNothing:
      return false;
    case CellType::kBool: {
      auto value = ParseBool(text);
      if (plan_.fixed && !value && (text == "0" || text == "1")) value = text == "1";
      if (value) bools_.push_back(*value ? 1 : 0);
      return value.has_value();
    }
    case CellType::kInt64: {
      const auto value = ParseInt64(text);
      if (!value || (!plan_.fixed && HasLeadingZero(text))) return false;
      integers_.push_back(*value);
      return true;
    }
    case CellType::kWhole: {
      const auto value = ParseDouble(text);
      if (!value || !IsWholeNumber(text) || HasLeadingZero(text)) return false;
      return StoreFloat(text, *value);
    }
    case CellType::kFloat64: {
      const auto value = ParseDouble(text, dialect.decimal);
      if (!value || (!plan_.fixed && HasLeadingZero(text))) return false;
      return StoreFloat(text, *value);
    }
    case CellType::kTimestamp: {
      const auto value = dialect.ParseTime(text);
      if (value) integers_.push_back(*value);
      return value.has_value();
    }
    case CellType::kText:
      PushText(text);
      return true;
  }
  DML_UNREACHABLE("every cell type can be stored");
}

bool ColumnSink::PushCell(std::string_view text, const Dialect& dialect) {
  if (!misfit() && Store(text, dialect)) return true;
  if (plan_.fixed) return false;
  fast_ = Fast::kNone;
  // Text is the top: nothing is left to learn.
  if (seen_ != CellType::kText) seen_ = JoinCellTypes(seen_, ClassifyCell(text, dialect));
  return true;
}

void ColumnSink::Truncate(std::size_t rows) {
  if (rounded_ && rounded_->row >= rows) rounded_.reset();
  while (!missing_.empty() && missing_.back() >= rows) missing_.pop_back();
  const auto cut = [rows](auto& buffer) {
    if (buffer.size() > rows) buffer.resize(rows);
  };
  cut(doubles_);
  cut(floats_);
  cut(integers_);
  cut(bools_);
  cut(codes_);
  if (offsets_.size() > rows + 1) {
    offsets_.resize(rows + 1);
    bytes_.resize(static_cast<std::size_t>(offsets_.back()));
  }
}

Column ColumnSink::Finish(std::size_t rows, std::shared_ptr<const Dictionary>& dictionary) {
  DML_CHECK(!misfit(), "a column is finished when all its cells fit");
  if (!missing_.empty()) {
    validity_ = FullBitmap(rows);
    for (const std::uint32_t row : missing_) ClearBit(validity_, row);
  }
  switch (plan_.Stored()) {
    case ColumnType::kFloat64:
      return Column::Float64(doubles_, validity_, nullptr);
    case ColumnType::kFloat32:
      return Column::Float32(floats_, validity_, nullptr);
    case ColumnType::kInt64:
      return Column::Int64(integers_, validity_, nullptr);
    case ColumnType::kTimestamp:
      return Column::Timestamp(integers_, validity_, nullptr);
    case ColumnType::kBool:
      return Column::Bool(bools_, validity_, nullptr);
    case ColumnType::kString:
      return Column::String(offsets_, bytes_, validity_, nullptr);
    case ColumnType::kSparse:
      DML_UNREACHABLE("no text column is sparse");
    case ColumnType::kCategory:
      break;
  }
  auto sorted = std::make_shared<Dictionary>();
  std::vector<std::int32_t> rank(interner_.size());
  for (const std::int32_t index : interner_.SortedOrder()) {
    rank[static_cast<std::size_t>(index)] = static_cast<std::int32_t>(sorted->size());
    sorted->emplace_back(interner_.at(static_cast<std::size_t>(index)));
  }
  for (std::int32_t& code : codes_) {
    if (code >= 0) code = rank[static_cast<std::size_t>(code)];
  }
  dictionary = sorted;
  return Column::Category(codes_, std::move(sorted), validity_, nullptr);
}

}  // namespace dml::table
