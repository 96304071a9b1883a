#include "pipelines/yaml/text_place.h"

#include <algorithm>
#include <cctype>
#include <optional>
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

// Of a scalar whose text, or at least its line, stands in the file as it is.
std::optional<Place> ExactPlace(const Node& node, std::size_t offset) {
  Place place = node.place;
  if (place.source == nullptr || offset > node.text.size()) return std::nullopt;
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
  if (row.empty() || !candidate.ends_with(row)) return std::nullopt;
  const std::size_t indent = candidate.size() - row.size();
  if (candidate.substr(0, indent).find_first_not_of(' ') != std::string_view::npos) {
    return std::nullopt;
  }
  place.line = number;
  place.column = static_cast<int>(indent + CountCharacters(row.substr(0, offset - row_begin))) + 1;
  place.width = 1;
  return place;
}

Place PlaceOfByte(const Source& source, std::size_t byte) {
  const auto next = std::ranges::upper_bound(source.line_starts, byte);
  const auto line = static_cast<std::size_t>(next - source.line_starts.begin());
  const std::size_t start = source.line_starts[line - 1];
  const std::string_view before = std::string_view(source.text).substr(start, byte - start);
  return {&source, static_cast<int>(line), static_cast<int>(CountCharacters(before)) + 1, 1};
}

// What is spelled for the third time in the text is spelled for the third time in the file behind
// the beginning of the scalar, however its lines are folded and its quotes escaped.
std::optional<Place> PlaceOfSpelling(const Node& node, std::size_t offset, std::size_t length) {
  const Source* source = node.place.source;
  const std::string_view text = node.text;
  const std::string_view spelled = text.substr(offset, length);
  const auto line = static_cast<std::size_t>(node.place.line);
  if (source == nullptr || line == 0 || line > source->line_starts.size()) return std::nullopt;
  if (spelled.find_first_of(" \t\n") != std::string_view::npos) return std::nullopt;
  const std::string_view file = source->text;
  const std::size_t start = source->line_starts[line - 1];
  std::size_t from = start + ByteOf(source->Line(node.place.line), node.place.column);
  const bool block = from < file.size() && (file[from] == '|' || file[from] == '>');
  if (block) from = file.find('\n', from);  // a comment may stand behind its sign
  std::size_t found = file.find(spelled, from);
  for (std::size_t at = text.find(spelled); at < offset && found != std::string_view::npos;
       at = text.find(spelled, at + 1)) {
    found = file.find(spelled, found + 1);
  }
  if (found == std::string_view::npos) return std::nullopt;
  return PlaceOfByte(*source, found);
}

}  // namespace

Place PlaceInText(const Node& node, std::size_t offset) {
  return ExactPlace(node, offset).value_or(node.place);
}

Place PlaceOfReference(const Node& node, std::size_t offset, std::size_t length) {
  if (offset == 0 && length == node.text.size()) return node.place;
  if (offset + length > node.text.size()) return node.place;
  std::optional<Place> place = ExactPlace(node, offset);
  if (!place) place = PlaceOfSpelling(node, offset, length);
  if (!place) return node.place;
  const std::string_view spelled = std::string_view(node.text).substr(offset, length);
  place->width = static_cast<int>(CountCharacters(spelled.substr(0, spelled.find('\n'))));
  return *place;
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
