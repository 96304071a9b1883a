#include "pipelines/text_place.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace dml::pipelines {

namespace {

bool ContinuesName(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

std::size_t CountCharacters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// The byte of a column that counts characters from 1.
std::size_t ByteOf(std::string_view line, int column) {
  std::size_t at = 0;
  for (int passed = 1; at < line.size() && passed < column; ++passed) {
    ++at;
    while (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0U) == 0x80U) ++at;
  }
  return at;
}

}  // namespace

Place PlaceInText(const Node& node, std::size_t offset) {
  Place place = node.place;
  if (place.source == nullptr || offset > node.text.size()) return place;
  const std::string_view line = place.source->Line(place.line);
  const std::size_t begin = ByteOf(line, place.column) + (node.plain ? 0 : 1);
  if (begin < line.size() && line.substr(begin).starts_with(node.text)) {
    const std::string_view before = std::string_view(node.text).substr(0, offset);
    place.column += static_cast<int>(CountCharacters(before)) + (node.plain ? 0 : 1);
    place.width = 1;
    return place;
  }
  // A block: its lines follow, indented.
  const std::string_view text = node.text;
  const std::size_t breaks =
      static_cast<std::size_t>(std::ranges::count(text.substr(0, offset), '\n'));
  const std::size_t last = text.substr(0, offset).rfind('\n');
  const std::size_t row_begin = last == std::string_view::npos ? 0 : last + 1;
  const std::string_view row = text.substr(row_begin, text.find('\n', row_begin) - row_begin);
  const int number = place.line + 1 + static_cast<int>(breaks);
  const std::string_view candidate = place.source->Line(number);
  const std::size_t indent = candidate.find_first_not_of(' ');
  if (row.empty() || indent == std::string_view::npos || !candidate.ends_with(row)) return place;
  place.line = number;
  place.column = static_cast<int>(candidate.size() - row.size() +
                                  CountCharacters(row.substr(0, offset - row_begin))) +
                 1;
  place.width = 1;
  return place;
}

Place PlaceOfMetric(const Place& place, std::string_view path) {
  if (place.source == nullptr) return place;
  const std::string_view line = place.source->Line(place.line);
  const std::size_t begin = ByteOf(line, place.column);
  const std::string wanted = ".metrics." + std::string(path);
  for (std::size_t at = line.find(wanted, begin); at != std::string_view::npos;
       at = line.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    if (end < line.size() && ContinuesName(line[end])) continue;
    const std::size_t name = end - path.size();
    Place found = place;
    found.column += static_cast<int>(CountCharacters(line.substr(begin, name - begin)));
    found.width = static_cast<int>(CountCharacters(path));
    return found;
  }
  return place;
}

}  // namespace dml::pipelines
