#include "pipelines/yaml/source_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/quantity.h"
#include "pipelines/yaml/parse.h"

namespace dml::pipelines {

namespace {

// The length of the UTF-8 sequence at `text[at]`, or 0 if it is malformed (Unicode 15, table 3-7).
std::size_t SequenceLength(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

bool IsForbiddenControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F;
}

Place PlaceOf(const Source& source, std::size_t offset) {
  const auto next = std::ranges::upper_bound(source.line_starts, offset);
  const auto line = next - source.line_starts.begin();
  const std::size_t begin = *(next - 1);
  int column = 1;
  for (std::size_t i = begin; i < offset; ++i) {
    if ((static_cast<unsigned char>(source.text[i]) & 0xC0U) != 0x80U) ++column;
  }
  return {&source, static_cast<int>(line), column, 1};
}

bool LooksLikeUtf16(std::string_view text) {
  return text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF";
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = SequenceLength(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

bool CheckText(const Source& source, Diagnostics& diagnostics) {
  const std::string_view text = source.text;
  if (text.size() > kSourceBytesMax) {
    diagnostics.Add({&source, 0, 0},
                    fmt::format("the file has {}; a pipeline may have at most {}",
                                FormatSize(static_cast<std::int64_t>(text.size())),
                                FormatSize(static_cast<std::int64_t>(kSourceBytesMax))),
                    "use matrix, foreach or include instead of writing out every step");
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = SequenceLength(text, at);
    if (length == 0) {
      diagnostics.Add(PlaceOf(source, at),
                      fmt::format("byte 0x{:02X} at offset {} is not UTF-8",
                                  static_cast<unsigned char>(text[at]), at),
                      LooksLikeUtf16(text) ? "the file looks like UTF-16; save it as UTF-8"
                                           : "save the file as UTF-8");
      return false;
    }
    if (length == 1 && IsForbiddenControl(text[at])) {
      diagnostics.Add(PlaceOf(source, at),
                      fmt::format("control character 0x{:02X} is not allowed in YAML",
                                  static_cast<unsigned char>(text[at])),
                      "delete it, or write it as an escape in a double-quoted string");
      return false;
    }
    at += length;
  }
  return true;
}

}  // namespace dml::pipelines
