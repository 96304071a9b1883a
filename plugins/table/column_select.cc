// Slices and selections of columns.

#include <memory>

#include "plugins/table/column.h"
#include "plugins/table/validity.h"

namespace dml::table {

namespace {

// Buffers of a selection; unused ones stay empty.
template <typename T>
struct Gathered {
  std::vector<T> values;
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> indices;
  std::vector<std::uint8_t> validity;
};

std::vector<std::uint8_t> TakeBits(const Column& column, std::span<const std::uint32_t> rows) {
  if (!column.has_missing()) return {};
  std::vector<std::uint8_t> bits = FullBitmap(rows.size());
  bool missing = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (column.IsValid(rows[i])) continue;
    ClearBit(bits, i);
    missing = true;
  }
  return missing ? bits : std::vector<std::uint8_t>{};
}

template <typename T>
std::shared_ptr<Gathered<T>> TakeValues(const Column& column, std::span<const T> values,
                                        std::span<const std::uint32_t> rows) {
  auto out = std::make_shared<Gathered<T>>();
  out->values.reserve(rows.size());
  for (const std::uint32_t row : rows) out->values.push_back(values[row]);
  out->validity = TakeBits(column, rows);
  return out;
}

Column TakeStrings(const Column& column, std::span<const std::uint32_t> rows) {
  auto out = std::make_shared<Gathered<char>>();
  out->offsets.reserve(rows.size() + 1);
  out->offsets.push_back(0);
  for (const std::uint32_t row : rows) {
    const std::string_view text = column.string(row);
    out->values.insert(out->values.end(), text.begin(), text.end());
    out->offsets.push_back(static_cast<std::int64_t>(out->values.size()));
  }
  out->validity = TakeBits(column, rows);
  return Column::String(out->offsets, out->values, out->validity, out);
}

Column TakeSparse(const Column& column, std::span<const std::uint32_t> rows) {
  auto out = std::make_shared<Gathered<double>>();
  out->offsets.push_back(0);
  for (const std::uint32_t row : rows) {
    const auto begin = static_cast<std::size_t>(column.offsets()[row]);
    const auto count = static_cast<std::size_t>(column.offsets()[row + 1]) - begin;
    const auto indices = column.sparse_indices().subspan(begin, count);
    const auto values = column.sparse_values().subspan(begin, count);
    out->indices.insert(out->indices.end(), indices.begin(), indices.end());
    out->values.insert(out->values.end(), values.begin(), values.end());
    out->offsets.push_back(static_cast<std::int64_t>(out->values.size()));
  }
  return Column::Sparse(column.width(), out->offsets, out->indices, out->values, out);
}

}  // namespace

Column Column::Slice(std::size_t begin, std::size_t end) const {
  DML_CHECK(begin <= end && end <= size_, "a slice lies within its column");
  static constexpr std::size_t kWidths[] = {8, 4, 8, 1, 8, 4, 0, 0};  // by ColumnType
  Column out = *this;
  out.size_ = end - begin;
  const std::size_t width = kWidths[static_cast<std::size_t>(type_)];
  if (width != 0) {
    out.values_ = static_cast<const std::byte*>(values_) + begin * width;
    out.values_size_ = out.size_;
  } else {
    out.offsets_ = offsets_.subspan(begin, out.size_ + 1);
  }
  if (validity_.empty()) return out;
  using Kept = std::pair<std::vector<std::uint8_t>, std::shared_ptr<const void>>;
  auto kept = std::make_shared<Kept>(SliceBitmap(validity_, begin, end), owner_);
  const bool missing = CountZeros(kept->first, out.size_) > 0;
  out.validity_ =
      missing ? std::span<const std::uint8_t>(kept->first) : std::span<const std::uint8_t>();
  out.owner_ = std::move(kept);
  return out;
}

Column Column::Take(std::span<const std::uint32_t> rows) const {
  switch (type_) {
    case ColumnType::kFloat64: {
      auto out = TakeValues(*this, float64(), rows);
      return Float64(out->values, out->validity, out);
    }
    case ColumnType::kFloat32: {
      auto out = TakeValues(*this, float32(), rows);
      return Float32(out->values, out->validity, out);
    }
    case ColumnType::kInt64: {
      auto out = TakeValues(*this, int64(), rows);
      return Int64(out->values, out->validity, out);
    }
    case ColumnType::kTimestamp: {
      auto out = TakeValues(*this, int64(), rows);
      return Timestamp(out->values, out->validity, out);
    }
    case ColumnType::kBool: {
      auto out = TakeValues(*this, bools(), rows);
      return Bool(out->values, out->validity, out);
    }
    case ColumnType::kCategory: {
      auto out = TakeValues(*this, codes(), rows);
      return Category(out->values, dictionary_, out->validity, out);
    }
    case ColumnType::kString:
      return TakeStrings(*this, rows);
    case ColumnType::kSparse:
      return TakeSparse(*this, rows);
  }
  DML_UNREACHABLE("every column type can be selected from");
}

}  // namespace dml::table
