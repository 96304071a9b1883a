#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/table/column.h"

namespace dml::steps {

// Numbers known values 0, 1, 2, ... and finds them again in columns of any type but sparse. Values
// are compared as text, so 1 as an integer, 1.0 as a float and "1" as text are the same value.
// Immutable, thread-safe.
class CodeBook {
 public:
  static constexpr std::int32_t kUnknown = -1;
  static constexpr std::int32_t kMissing = -2;

  explicit CodeBook(std::vector<std::string> values);

  [[nodiscard]] const std::vector<std::string>& values() const { return values_; }
  // The number of each row's value, kUnknown or kMissing.
  [[nodiscard]] std::vector<std::int32_t> Encode(const table::Column& column) const;
  [[nodiscard]] std::int32_t Find(std::string_view text) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  [[nodiscard]] std::int32_t FindInteger(std::int64_t value) const;
  void EncodeCategory(const table::Column& column, std::vector<std::int32_t>& out) const;
  void EncodeFloats(const table::Column& column, std::vector<std::int32_t>& out) const;

  std::vector<std::string> values_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> by_text_;
  // Values that are integers as they are written: in a table from least_ on where they lie close
  // together, in a map otherwise.
  std::int64_t least_ = 0;
  std::vector<std::int32_t> near_;
  std::unordered_map<std::int64_t, std::int32_t> far_;
};

}  // namespace dml::steps
