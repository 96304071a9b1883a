#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dml::report {

enum class Align { kLeft, kRight };

// Columns of text under headings, two spaces apart, for a terminal. Widths count code points.
// Immutable once rendered; not thread-safe.
class TextTable {
 public:
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns);

  // As many cells as there are columns.
  void AddRow(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  // No line is longer than `width`: the widest left-aligned column is cut with an ellipsis, and a
  // last column that is still too long at the end of the line. Lines have no trailing spaces.
  [[nodiscard]] std::string Render(std::size_t width) const;

 private:
  [[nodiscard]] std::vector<std::size_t> ColumnWidths(std::size_t width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Code points of UTF-8 text: what a terminal shows, short of wide letters.
std::size_t DisplayWidth(std::string_view text);

}  // namespace dml::report
