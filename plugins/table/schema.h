#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace dml::table {

// Column types. The names are on disk: never rename.
enum class ColumnType {
  kFloat64,
  kFloat32,
  kInt64,
  kBool,
  kTimestamp,  // microseconds since 1970-01-01 UTC
  kCategory,   // int32 codes into a dictionary of distinct strings
  kString,     // UTF-8
  kSparse,     // one sparse vector a row (CSR), of fixed width: text features, svmlight rows
};

[[nodiscard]] std::string_view ColumnTypeName(ColumnType type);  // "float64"
Result<ColumnType> ParseColumnType(std::string_view name);

struct Field {
  std::string name;
  ColumnType type = ColumnType::kFloat64;
  std::int64_t width = 1;  // features in a kSparse column, else 1

  friend bool operator==(const Field&, const Field&) = default;
};

// The ordered, uniquely named columns of a table. A value.
struct Schema {
  std::vector<Field> fields;

  [[nodiscard]] int IndexOf(std::string_view name) const;  // -1 if there is none
  // IndexOf, or an error with did-you-mean and the list of columns.
  [[nodiscard]] Result<std::size_t> Find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> Names() const;
  [[nodiscard]] Json ToJson() const;
  static Result<Schema> FromJson(const Json& json);

  friend bool operator==(const Schema&, const Schema&) = default;
};

}  // namespace dml::table
