#include "orchestrator/report/text_table.h"

#include <algorithm>

#include "base/check.h"
#include "orchestrator/report/html/escape.h"

namespace dml::report {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kColumnMin = 8;

std::string Padded(std::string_view text, std::size_t width, Align align) {
  std::string shown = Shorten(text, width);
  const std::string fill(width - std::min(width, DisplayWidth(shown)), ' ');
  return align == Align::kLeft ? shown + fill : fill + shown;
}

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::AddRow(std::vector<std::string> cells) {
  DML_CHECK(cells.size() == columns_.size(), "a row has a cell for every column");
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TextTable::ColumnWidths(std::size_t width) const {
  std::vector<std::size_t> widths;
  std::size_t total = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t widest = DisplayWidth(columns_[c].heading);
    for (const auto& row : rows_) widest = std::max(widest, DisplayWidth(row[c]));
    widths.push_back(widest);
    total += widest + (c == 0 ? 0 : kGap);
  }
  while (total > width) {
    std::size_t victim = columns_.size();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].align != Align::kLeft || widths[c] <= kColumnMin) continue;
      if (victim == columns_.size() || widths[c] > widths[victim]) victim = c;
    }
    if (victim == columns_.size()) break;
    const std::size_t cut = std::min(total - width, widths[victim] - kColumnMin);
    widths[victim] -= cut;
    total -= cut;
  }
  return widths;
}

std::string TextTable::Render(std::size_t width) const {
  const std::vector<std::size_t> widths = ColumnWidths(width);
  std::string out;
  const auto add_line = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line.append(kGap, ' ');
      line += Padded(cell_at(c), widths[c], columns_[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  add_line([&](std::size_t c) { return std::string_view(columns_[c].heading); });
  for (const auto& row : rows_) {
    add_line([&](std::size_t c) { return std::string_view(row[c]); });
  }
  return out;
}

}  // namespace dml::report
