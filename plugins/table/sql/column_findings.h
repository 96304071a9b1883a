#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "plugins/table/column.h"
#include "plugins/table/interner.h"
#include "plugins/table/sql/cell.h"

namespace dml::sql {

// A column of a result, before its type is settled.
struct ResultColumn {
  std::string name;
  std::optional<table::ColumnType> type = std::nullopt;  // what it should be
  bool insists = false;  // the user said so: a value that does not fit is an error
};

// What is known of the values of one column. Their join does not depend on the order of rows or
// partitions, and neither does the type:
//   no value at all          float64
//   whole numbers            int64
//   numbers                  float64; whole ones beyond 2^53 among decimals are an error
//   texts, all of them times timestamp
//   texts                    category if there are few different ones, as load.csv counts, else
//                            string
// Numbers and texts in one column are an error. A type that a plain column brings along is kept if
// every value fits.
class ColumnFindings {
 public:
  void See(const Cell& cell);
  void Merge(const ColumnFindings& other);
  Result<table::ColumnType> Decide(const ResultColumn& column) const;

 private:
  [[nodiscard]] bool Fits(table::ColumnType type, bool insists) const;
  [[nodiscard]] Result<table::ColumnType> Infer(const ResultColumn& column) const;
  void SeeText(std::string_view text);
  void Count(std::string_view text);

  std::uint64_t integers_ = 0;
  std::uint64_t reals_ = 0;
  std::uint64_t texts_ = 0;
  bool bits_ = true;            // all numbers are 0 or 1
  bool whole_ = true;           // all decimals are whole numbers of 64 bits
  bool exact_ = true;           // no whole number is lost as a double
  bool times_ = true;           // all texts are times
  bool many_ = false;           // more different texts than a category has
  table::Interner texts_seen_;  // unless many_
  std::string a_number_;        // for messages: the first of each kind
  std::string a_text_;
  std::string no_bit_;
  std::string no_whole_;
  std::string no_time_;
};

}  // namespace dml::sql
