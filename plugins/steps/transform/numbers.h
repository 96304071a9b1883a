#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/batch.h"

namespace dml::steps {

// The values of a numeric column as doubles, NaN where missing. Borrows the buffer of a float64
// column, which must outlive it.
class Numbers {
 public:
  // `column` must be numeric.
  explicit Numbers(const table::Column& column);
  Numbers(Numbers&&) noexcept = default;
  Numbers& operator=(Numbers&&) noexcept = default;
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  double operator[](std::size_t row) const { return values_[row]; }
  [[nodiscard]] const double* begin() const { return values_.data(); }
  [[nodiscard]] const double* end() const { return values_.data() + values_.size(); }

 private:
  std::vector<double> owned_;
  std::span<const double> values_;
};

enum class Infinite { kRefused, kAllowed };

// The numbers of a column of a batch. Text, an unknown column and (unless allowed) an infinite
// value are kInvalid; the last names its row.
Result<Numbers> ReadNumbers(const table::Batch& batch, std::string_view column,
                            Infinite infinite = Infinite::kRefused);

// Whether values of the type are numbers to a transform; timestamps are not.
[[nodiscard]] bool IsNumeric(table::ColumnType type);

// kInvalid unless every column exists and is numeric.
Result<void> RequireNumeric(const table::Schema& schema, const std::vector<std::string>& columns);

// Puts a float64 column in the place of the column of that name.
void SetNumbers(table::Batch& batch, const std::string& column, std::vector<double> values);

// Replaces a numeric column by map(value) for each value that is not missing.
template <typename Map>
Result<void> MapNumbers(table::Batch& batch, const std::string& column, Infinite infinite,
                        const Map& map) {
  DML_TRY(const Numbers in, ReadNumbers(batch, column, infinite));
  std::vector<double> out(in.size());
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = map(in[row]);
  SetNumbers(batch, column, std::move(out));
  return {};
}

}  // namespace dml::steps
